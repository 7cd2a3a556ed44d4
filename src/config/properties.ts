/** Reads the `.properties` format of Java: comments, three separators, continued lines, escapes. */
import { ConfigError } from '../errors.js'

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** A name that stands twice: the last one wins, as in Java. `origin` names the file in errors. */
export function parseProperties(text: string, origin = 'properties'): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const end = nameEnd(line)
    const name = unescape(line.slice(0, end), origin)
    properties.set(name, unescape(line.slice(valueStart(line, end)), origin))
  }
  return properties
}

/** Comments and blank lines are gone; a line that ends in an odd number of backslashes goes on in the next one. */
function* logicalLines(text: string): Generator<string> {
  let pending: string | undefined
  for (const natural of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (pending === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const joined: string = (pending ?? '') + line
    if (/(^|[^\\])(\\\\)*\\$/.test(joined)) {
      pending = joined.slice(0, -1)
      continue
    }
    pending = undefined
    yield joined
  }
  if (pending !== undefined && pending !== '') yield pending
}

function nameEnd(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string
    if (char === '\\') at++
    else if ('=: \t\f'.includes(char)) return at
  }
  return line.length
}

/** Blanks, at most one `=` or `:`, blanks. */
function valueStart(line: string, nameEnds: number): number {
  const separator = /[ \t\f]*[=:]?[ \t\f]*/y
  separator.lastIndex = nameEnds
  separator.exec(line)
  return separator.lastIndex
}

function unescape(text: string, origin: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S])/g, (_, escape: string) => {
    if (escape.length === 5) return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    if (escape === 'u') throw new ConfigError(origin, `${origin}: a \\u escape needs four hexadecimal digits in ${JSON.stringify(text)}`)
    return ESCAPES[escape] ?? escape
  })
}
