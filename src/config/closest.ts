/** Names that are meant: the known one that differs in the fewest letters. */

const MOST_DIFFERENT = 3
/** Letters of a name for each that may be wrong: nobody means `log.dir` by `log.foo`. */
const LETTERS_FOR_ONE = 4

export function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(MOST_DIFFERENT, Math.floor(name.length / LETTERS_FOR_ONE)) + 1
  for (const each of known) {
    if (Math.abs(each.length - name.length) >= bestDistance) continue
    const distance = editDistance(name, each)
    if (distance < bestDistance) [best, bestDistance] = [each, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] as number) + 1, (current[column - 1] as number) + 1))
    }
    previous = current
  }
  return previous[b.length] as number
}
