/** Which names a topic may have. */

const MAX_LENGTH = 249
const ALLOWED = /^[a-zA-Z0-9._-]+$/

/** Why `name` is no name of a topic; undefined: it is one. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: it is empty'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > MAX_LENGTH) return `Topic name is invalid: it has ${name.length} characters, at most ${MAX_LENGTH} are allowed`
  if (!ALLOWED.test(name)) {
    return `Topic name is invalid: '${name}' contains characters other than ASCII letters and digits, '.', '_' and '-'`
  }
  return undefined
}

/** Metric names replace '.' by '_', so that topics which differ in these only would share their metrics. */
export function unify(name: string): string {
  return name.replaceAll('.', '_')
}
