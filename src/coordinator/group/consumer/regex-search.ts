/** Which topics regular expressions match, looked up in slices. */
import { LinearRegex } from '../../../regex/matcher.js'

/** About two milliseconds of work. */
export const SLICE_STEPS = 100_000

interface Lookup {
  readonly pattern: string
  readonly regex: LinearRegex
  readonly topics: string[]
  at: number
}

/** A search through the names of all topics, of the metadata's version at its beginning. */
export class RegexSearch {
  readonly version: number
  readonly #names: readonly string[]
  readonly #open: string[]
  readonly found = new Map<string, readonly string[]>()
  #current: Lookup | undefined

  constructor(patterns: Iterable<string>, names: Iterable<string>, version: number) {
    this.#open = [...patterns]
    this.#names = [...names]
    this.version = version
  }

  /** True: it is at its end. */
  run(steps: number): boolean {
    let left = steps
    for (;;) {
      const current = (this.#current ??= this.#begin())
      if (!current) return true
      const { regex, topics } = current
      const before = regex.steps
      while (current.at < this.#names.length && regex.steps - before < left) {
        const name = this.#names[current.at++]!
        if (regex.matches(name)) topics.push(name)
      }
      left -= regex.steps - before
      if (current.at < this.#names.length) return false
      this.found.set(current.pattern, topics.toSorted())
      this.#current = undefined
    }
  }

  #begin(): Lookup | undefined {
    for (let pattern = this.#open.pop(); pattern !== undefined; pattern = this.#open.pop()) {
      const regex = LinearRegex.compile(pattern)
      if (typeof regex !== 'string') return { pattern, regex, topics: [], at: 0 }
      // What another broker has accepted and this one does not understand matches nothing.
      this.found.set(pattern, [])
    }
    return undefined
  }
}
