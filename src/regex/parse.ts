/**
 * Parses regular expressions in the syntax of RE2, which Apache Kafka uses through RE2/J for what clients send: no back references, no looking
 * around, so that they can be matched in a time that is bounded.
 */
import { ALL_OTHERS, ASCII, inverted, rangeSet, setOf, type CharSet } from './char-set.js'

export type Assertion = 'begin' | 'end' | 'word' | 'notWord'

export type Node =
  | { readonly type: 'set'; readonly set: CharSet }
  | { readonly type: 'assertion'; readonly assertion: Assertion }
  | { readonly type: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly type: 'repeat'; readonly part: Node; readonly min: number; readonly max: number }

/** What is wrong with an expression, in a few words. */
export class RegexError extends Error {}

const MAX_REPEAT = 1000
const MAX_DEPTH = 500

interface Flags {
  readonly ignoreCase: boolean
  readonly dotAll: boolean
}

const REPEATS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  '*': [0, Number.POSITIVE_INFINITY],
  '+': [1, Number.POSITIVE_INFINITY],
  '?': [0, 1]
}

/** Throws a RegexError. */
export function parseRegex(pattern: string): Node {
  const parser = new Parser(pattern)
  const node = parser.choice({ ignoreCase: false, dotAll: false }, 0)
  if (!parser.atEnd) throw new RegexError('unexpected )')
  return node
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  #peek(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }

  #accept(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  #next(): string {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined) throw new RegexError('trailing backslash at end of expression')
    const char = String.fromCodePoint(code)
    this.#at += char.length
    return char
  }

  #match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#text)
    if (found) this.#at = sticky.lastIndex
    return found
  }

  choice(flags: Flags, depth: number): Node {
    if (depth > MAX_DEPTH) throw new RegexError('nesting too deep')
    const parts: Node[] = []
    let current: Node[] = []
    let now = flags
    for (;;) {
      if (this.atEnd || this.#peek(')')) break
      if (this.#accept('|')) {
        parts.push({ type: 'sequence', parts: current })
        current = []
        continue
      }
      const changed = this.#flagsOnly(now)
      if (changed) now = changed
      else current.push(this.#repeated(now, depth))
    }
    parts.push({ type: 'sequence', parts: current })
    return parts.length === 1 ? parts[0]! : { type: 'choice', parts }
  }

  /** `(?i)`: for the rest of the group. */
  #flagsOnly(flags: Flags): Flags | undefined {
    const found = this.#match(/\(\?([imsU]*)(?:-([imsU]+))?\)/y)
    return found ? changedFlags(flags, found[1]!, found[2]) : undefined
  }

  #repeated(flags: Flags, depth: number): Node {
    const quoted = this.#quoted(flags)
    let node = quoted ?? this.#atom(flags, depth)
    const repeat = this.#repeat()
    if (!repeat) return node
    this.#accept('?')
    // a** and a{2}{3} are mistakes, not nested repeats.
    if (this.#repeat()) throw new RegexError('invalid nested repetition operator')
    const [min, max] = repeat
    if (quoted?.type === 'sequence') {
      const last = quoted.parts.at(-1)
      if (last) node = { type: 'sequence', parts: [...quoted.parts.slice(0, -1), { type: 'repeat', part: last, min, max }] }
      return node
    }
    return { type: 'repeat', part: node, min, max }
  }

  #repeat(): readonly [min: number, max: number] | undefined {
    const simple = REPEATS[this.#text[this.#at] ?? '']
    if (simple) {
      this.#at++
      return simple
    }
    const counted = this.#match(/\{(\d+)(,(\d*))?\}/y)
    if (!counted) return undefined
    const min = Number(counted[1])
    const max = counted[2] === undefined ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3])
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT) || min > max)
      throw new RegexError('invalid repeat count')
    return [min, max]
  }

  /** `\Q...\E` */
  #quoted(flags: Flags): Extract<Node, { parts: readonly Node[] }> | undefined {
    if (!this.#accept('\\Q')) return undefined
    const end = this.#text.indexOf('\\E', this.#at)
    const text = this.#text.slice(this.#at, end < 0 ? undefined : end)
    this.#at = end < 0 ? this.#text.length : end + 2
    return { type: 'sequence', parts: Array.from(text, (char) => literal(char, flags)) }
  }

  #atom(flags: Flags, depth: number): Node {
    const char = this.#next()
    switch (char) {
      case '(':
        return this.#group(flags, depth)
      case '[':
        return { type: 'set', set: this.#charClass(flags) }
      case '.':
        return { type: 'set', set: setOf((code) => flags.dotAll || code !== 10, [ALL_OTHERS]) }
      case '^':
        return { type: 'assertion', assertion: 'begin' }
      case '$':
        return { type: 'assertion', assertion: 'end' }
      case '*':
      case '+':
      case '?':
        throw new RegexError('missing argument to repetition operator')
      case '\\':
        return this.#escape(flags)
      default:
        return literal(char, flags)
    }
  }

  #group(flags: Flags, depth: number): Node {
    let inner = flags
    if (this.#accept('?')) {
      const named = this.#match(/P?<([A-Za-z_]\w*)>/y)
      const flagged = named ? null : this.#match(/([imsU]*)(?:-([imsU]+))?:/y)
      if (!named && !flagged) throw new RegexError('invalid or unsupported Perl syntax')
      if (flagged) inner = changedFlags(flags, flagged[1]!, flagged[2])
    }
    const node = this.choice(inner, depth + 1)
    if (!this.#accept(')')) throw new RegexError('missing closing )')
    return node
  }

  #escape(flags: Flags): Node {
    const assertion = this.#match(/[AzbB]/y)?.[0]
    if (assertion) return { type: 'assertion', assertion: ({ A: 'begin', z: 'end', b: 'word', B: 'notWord' } as const)[assertion as 'A'] }
    return { type: 'set', set: this.#classEscape() ?? literalSet(this.#charEscape(), flags) }
  }

  /** After a backslash: \d, \pL and the like. */
  #classEscape(): CharSet | undefined {
    const perl = this.#match(/[dDsSwW]/y)?.[0]
    if (perl) return perlClass(perl)
    const found = this.#match(/([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/y)
    if (!found) return undefined
    const negated = (found[1] === 'P') !== (found[2] === '^')
    return unicodeClass(found[3] ?? found[4]!, negated)
  }

  /** After a backslash: one character, by its code. */
  #charEscape(): string {
    const hex = this.#match(/x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/y)
    const octal = hex ? null : this.#match(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y)
    if (hex || octal) {
      const code = hex ? Number.parseInt(hex[1] ?? hex[2]!, 16) : Number.parseInt(octal![0], 8)
      if (code > 0x10ffff) throw new RegexError('invalid escape sequence')
      return String.fromCodePoint(code)
    }
    const char = this.#next()
    const control = ({ a: '\u0007', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' } as Record<string, string>)[char]
    if (control !== undefined) return control
    if (/[A-Za-z0-9]/.test(char)) throw new RegexError('invalid escape sequence')
    return char
  }

  #charClass(flags: Flags): CharSet {
    const negated = this.#accept('^')
    const ascii = new Uint8Array(ASCII)
    const others = new Set<string>()
    const add = (set: CharSet): void => {
      for (let code = 0; code < ASCII; code++) ascii[code] = ascii[code]! | set.ascii[code]!
      for (const item of set.others) others.add(item)
    }
    let first = true
    while (first || !this.#peek(']')) {
      if (this.atEnd) throw new RegexError('missing closing ]')
      first = false
      const whole = this.#posixClass() ?? (this.#accept('\\') ? (this.#classEscape() ?? this.#charEscape()) : this.#next())
      if (typeof whole !== 'string') {
        add(whole)
        continue
      }
      const last = this.#rangeEnd() ?? whole
      const [from, to] = [whole.codePointAt(0)!, last.codePointAt(0)!]
      if (to < from) throw new RegexError('invalid character class range')
      add(rangeSet(from, to, flags.ignoreCase))
    }
    this.#at++
    const set: CharSet = { ascii, others: [...others], inverted: false, ignoreCase: flags.ignoreCase }
    return negated ? inverted(set) : set
  }

  #rangeEnd(): string | undefined {
    if (!this.#peek('-') || this.#peek('-]')) return undefined
    this.#at++
    return this.#accept('\\') ? this.#charEscape() : this.#next()
  }

  /** `[:alpha:]` within a class. */
  #posixClass(): CharSet | undefined {
    const found = this.#match(/\[:(\^?)(\w+):\]/y)
    if (!found) return undefined
    const pattern = POSIX[found[2]!]
    if (!pattern) throw new RegexError('invalid character class range')
    const not = found[1] === '^'
    return setOf((code) => pattern.test(String.fromCharCode(code)) !== not, not ? [ALL_OTHERS] : [])
  }
}

const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /./s,
  blank: /[\t ]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/
}

function changedFlags(flags: Flags, on: string, off = ''): Flags {
  const flag = (letter: string, before: boolean): boolean => (before || on.includes(letter)) && !off.includes(letter)
  // A name has no lines, and how greedy a repeat is does not matter to whether the whole matches: m and U change nothing.
  return { ignoreCase: flag('i', flags.ignoreCase), dotAll: flag('s', flags.dotAll) }
}

function literalSet(char: string, { ignoreCase }: Flags): CharSet {
  const code = char.codePointAt(0)!
  return rangeSet(code, code, ignoreCase)
}

function literal(char: string, flags: Flags): Node {
  return { type: 'set', set: literalSet(char, flags) }
}

function perlClass(letter: string): CharSet {
  const pattern = { d: /[0-9]/, s: /[\t\n\f\r ]/, w: /[0-9A-Za-z_]/ }[letter.toLowerCase() as 'd']
  const not = letter !== letter.toLowerCase()
  return setOf((code) => pattern.test(String.fromCharCode(code)) !== not, not ? [ALL_OTHERS] : [])
}

/** A general category by its letters, or a script by its name. */
function unicodeClass(name: string, negated: boolean): CharSet {
  if (name === 'Any') return setOf(() => !negated, negated ? [] : [ALL_OTHERS])
  const property = /^[A-Z][a-z]?$/.test(name) ? `gc=${name}` : `Script=${name}`
  const item = `\\${negated ? 'P' : 'p'}{${property}}`
  let pattern: RegExp
  try {
    pattern = new RegExp(item, 'u')
  } catch {
    throw new RegexError(`invalid character class range ${name}`)
  }
  return setOf((code) => pattern.test(String.fromCharCode(code)), [item])
}
