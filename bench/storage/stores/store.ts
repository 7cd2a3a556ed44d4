/** What is compared: things that keep logs of values, and find a value by its number. */

/** When an append is acknowledged: when the system has it, or when the disk has. */
export type Policy = 'no flush' | 'flush'

export interface StoreOptions {
  /** Empty, and its own. */
  readonly folder: string
  readonly logs: number
  readonly policy: Policy
}

export interface Store {
  /**
   * Puts values behind the last one of a log, all or none of them. Resolves when they are acknowledged. Calls need not wait for one another,
   * and those of one log keep their order.
   */
  append(log: number, values: readonly Buffer[]): Promise<unknown>
  /** The value with this number; the first of a log has 0. */
  read(log: number, number: number): Promise<Uint8Array> | Uint8Array
  /** All values of a log in their order, one or several at a time. */
  scan(log: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  close(): Promise<void>
}

/** Finds, among entries with rising keys, the last whose key is at most the one asked for. */
export interface Finder {
  find(key: number): Promise<number> | number
  close(): Promise<void>
}

export interface StoreKind {
  readonly name: string
  open(options: StoreOptions): Promise<Store>
  /** Keys are whole numbers, values below 2^53. */
  finder(folder: string, entries: readonly (readonly [key: number, value: number])[]): Promise<Finder>
}

/** Big-endian, so that keys sort as numbers do. */
export function bigEndian(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 8)
  for (const [index, number] of numbers.entries()) bytes.writeBigUInt64BE(BigInt(number), index * 8)
  return bytes
}

/**
 * Collects what is asked for within one turn of the event loop, or while the last round is under way, for rounds that do it together: the group
 * commit of a program that has none in its store.
 */
export class Rounds<Item> {
  readonly #round: (items: readonly Item[]) => Promise<unknown> | void
  #waiting: { readonly item: Item; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []
  #running = false

  constructor(round: (items: readonly Item[]) => Promise<unknown> | void) {
    this.#round = round
  }

  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#running) return
      this.#running = true
      setImmediate(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#waiting
      this.#waiting = []
      try {
        await this.#round(taken.map(({ item }) => item))
        for (const { resolve } of taken) resolve()
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
      // Whoever was answered asks again first.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#running = false
  }
}
