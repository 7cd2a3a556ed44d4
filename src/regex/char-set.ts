/** Sets of characters. Of ASCII a table tells; of all others an expression of one character, which is made when the first of them is met. */

export const ASCII = 128
const LAST = 0x10ffff

export interface CharSet {
  /** By character code: 1 if it belongs to the set. */
  readonly ascii: Uint8Array
  /** Of the others: items of a class of JavaScript's expressions. */
  readonly others: readonly string[]
  /** The others are those that no item has. */
  readonly inverted: boolean
  readonly ignoreCase: boolean
  /** Of the others, once they were needed. */
  pattern?: RegExp
}

/** Every character that is not ASCII. */
export const ALL_OTHERS = `\\u{80}-\\u{${LAST.toString(16)}}`

export function has(set: CharSet, code: number): boolean {
  if (code < ASCII) return set.ascii[code] === 1
  if (set.others.length === 0) return set.inverted
  set.pattern ??= new RegExp(`^[${set.others.join('')}]$`, set.ignoreCase ? 'iu' : 'u')
  return set.pattern.test(String.fromCodePoint(code)) !== set.inverted
}

/** ASCII characters for which `contains` says so, and the `others`. */
export function setOf(contains: (code: number) => boolean, others: readonly string[] = []): CharSet {
  const ascii = Uint8Array.from({ length: ASCII }, (_, code) => Number(contains(code)))
  return { ascii, others, inverted: false, ignoreCase: false }
}

/** All characters that an uninverted set has not. */
export function inverted(set: CharSet): CharSet {
  return { ...set, ascii: set.ascii.map((member) => 1 - member), inverted: true }
}

/** The set of a literal, or of a range of them. */
export function rangeSet(first: number, last: number, ignoreCase: boolean): CharSet {
  const ascii = new Uint8Array(ASCII)
  for (let code = first; code <= Math.min(last, ASCII - 1); code++) {
    ascii[code] = 1
    if (ignoreCase) for (const other of casesOf(code)) if (other < ASCII) ascii[other] = 1
  }
  if (!ignoreCase) return { ascii, others: last < ASCII ? [] : [escapedRange(Math.max(first, ASCII), last)], inverted: false, ignoreCase }
  // The long s and the sign of Kelvin are lower and upper cases of letters of ASCII.
  for (const [sign, letters] of [
    [0x17f, 'sS'],
    [0x212a, 'kK']
  ] as const) {
    if (sign >= first && sign <= last) for (const letter of letters) ascii[letter.charCodeAt(0)] = 1
  }
  const folds = 'sSkK'.split('').some((letter) => ascii[letter.charCodeAt(0)] === 1)
  return { ascii, others: last < ASCII && !folds ? [] : [escapedRange(first, last)], inverted: false, ignoreCase }
}

function escapedRange(first: number, last: number): string {
  const from = `\\u{${first.toString(16)}}`
  return first === last ? from : `${from}-\\u{${last.toString(16)}}`
}

function casesOf(code: number): number[] {
  const char = String.fromCharCode(code)
  return [char.toLowerCase().charCodeAt(0), char.toUpperCase().charCodeAt(0)]
}
