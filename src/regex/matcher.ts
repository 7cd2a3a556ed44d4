/**
 * Matches whole texts against a regular expression in time that is bounded by the product of their lengths: all ways through the
 * expression are followed at once, each state at most once a character. No expression makes it backtrack.
 */
import { has, type CharSet } from './char-set.js'
import { parseRegex, RegexError, type Assertion, type Node } from './parse.js'

/** Counted repeats are written out: this bounds what a short expression can become. */
const MAX_INSTRUCTIONS = 5000

type Instruction =
  | { readonly op: 'set'; readonly set: CharSet }
  | { readonly op: 'assertion'; readonly assertion: Assertion }
  /** Goes on at both places. */
  | { readonly op: 'split'; a: number; b: number }
  | { readonly op: 'match' }

const LAST_OF_ONE_UNIT = 0xffff

/** How far a text was looked at, and which states that leads to. */
interface Attempt {
  readonly text: string
  at: number
  states: number[]
}

export class LinearRegex {
  readonly #program: readonly Instruction[]
  readonly #seen: Uint32Array
  #generation = 0
  /** Counts the states that were looked at. */
  steps = 0

  private constructor(program: readonly Instruction[]) {
    this.#program = program
    this.#seen = new Uint32Array(program.length)
  }

  /** The compiled expression, or what is wrong with it. */
  static compile(pattern: string): LinearRegex | string {
    try {
      const program: Instruction[] = []
      write(parseRegex(pattern), program)
      program.push({ op: 'match' })
      return new LinearRegex(program)
    } catch (error) {
      if (error instanceof RegexError) return error.message
      throw error
    }
  }

  /** Whether the whole text matches. */
  matches(text: string): boolean {
    return this.#matchFrom({ text, at: 0, states: this.#follow([0], text, 0) }, Number.POSITIVE_INFINITY) === true
  }

  /** The same in slices, between which others get their turn. */
  async matchesInSlices(text: string, sliceSteps: number, pause: () => Promise<void>): Promise<boolean> {
    const attempt = { text, at: 0, states: this.#follow([0], text, 0) }
    for (;;) {
      const matched = this.#matchFrom(attempt, this.steps + sliceSteps)
      if (matched !== undefined) return matched
      await pause()
    }
  }

  /** Undefined: not known yet when `steps` had reached `limit`. */
  #matchFrom(attempt: Attempt, limit: number): boolean | undefined {
    const { text } = attempt
    while (attempt.at < text.length && attempt.states.length > 0) {
      if (this.steps > limit) return undefined
      const code = text.codePointAt(attempt.at)!
      const next: number[] = []
      for (const state of attempt.states) {
        const instruction = this.#program[state]!
        if (instruction.op === 'set' && has(instruction.set, code)) next.push(state + 1)
      }
      attempt.at += code > LAST_OF_ONE_UNIT ? 2 : 1
      attempt.states = this.#follow(next, text, attempt.at)
    }
    return attempt.states.some((state) => this.#program[state]!.op === 'match')
  }

  /** The states that are reached without reading a character. */
  #follow(from: readonly number[], name: string, at: number): number[] {
    const generation = ++this.#generation
    const reached: number[] = []
    const open = [...from].toReversed()
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (this.#seen[state] === generation) continue
      this.#seen[state] = generation
      this.steps++
      const instruction = this.#program[state]!
      if (instruction.op === 'split') open.push(instruction.b, instruction.a)
      else if (instruction.op === 'assertion') {
        if (holds(instruction.assertion, name, at)) open.push(state + 1)
      } else reached.push(state)
    }
    return reached
  }
}

function holds(assertion: Assertion, name: string, at: number): boolean {
  switch (assertion) {
    case 'begin':
      return at === 0
    case 'end':
      return at === name.length
    default:
      return (isWord(name[at - 1]) !== isWord(name[at])) === (assertion === 'word')
  }
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /[0-9A-Za-z_]/.test(char)
}

function write(node: Node, program: Instruction[]): void {
  if (program.length > MAX_INSTRUCTIONS) throw new RegexError('expression too large')
  switch (node.type) {
    case 'set':
      program.push({ op: 'set', set: node.set })
      return
    case 'assertion':
      program.push({ op: 'assertion', assertion: node.assertion })
      return
    case 'sequence':
      for (const part of node.parts) write(part, program)
      return
    case 'choice':
      return writeChoice(node.parts, program)
    case 'repeat':
      return writeRepeat(node.part, node.min, node.max, program)
  }
}

function writeChoice(parts: readonly Node[], program: Instruction[]): void {
  const ends: Extract<Instruction, { op: 'split' }>[] = []
  for (const [at, part] of parts.entries()) {
    const last = at === parts.length - 1
    const split = last ? undefined : jump(program)
    if (split) split.a = program.length
    write(part, program)
    if (split) {
      ends.push(jump(program))
      split.b = program.length
    }
  }
  for (const end of ends) end.a = end.b = program.length
}

function writeRepeat(part: Node, min: number, max: number, program: Instruction[]): void {
  for (let n = 0; n < min; n++) write(part, program)
  if (max === Number.POSITIVE_INFINITY) {
    const loop = jump(program)
    const start = program.length
    loop.a = start
    write(part, program)
    const back = jump(program)
    back.a = back.b = start - 1
    loop.b = program.length
    return
  }
  const exits: Extract<Instruction, { op: 'split' }>[] = []
  for (let n = min; n < max; n++) {
    const split = jump(program)
    split.a = program.length
    exits.push(split)
    write(part, program)
  }
  for (const exit of exits) exit.b = program.length
}

function jump(program: Instruction[]): Extract<Instruction, { op: 'split' }> {
  const split = { op: 'split' as const, a: 0, b: 0 }
  program.push(split)
  return split
}
