/** What a micro suite is: comparisons of our own part with what a Node program would write or pick instead, all doing the same work. */

export interface Subject {
  /** "Sluice, native", "fs.write at a position". */
  readonly name: string
  /**
   * One iteration, which does `operations` operations of the comparison. It returns what it found: tests hold it against what the other
   * subjects found, and a measured loop keeps it, so that no work is optimized away. A promise is waited for, within the time.
   */
  run(): unknown
  /** Makes anew what `run` uses up (a file that grows). Before each measurement, outside its time. */
  reset?(): Promise<void>
}

export interface Comparison {
  readonly group: string
  readonly name: string
  readonly parameters: Readonly<Record<string, number | string>>
  /** Operations of one iteration. Default 1. */
  readonly operations?: number
  /** Bytes that one operation handles, where a throughput says something. */
  readonly bytes?: number
  /** Ours first. */
  readonly subjects: readonly Subject[]
}

export interface OpenSuite {
  readonly comparisons: readonly Comparison[]
  /** One sentence for each alternative that is not there. */
  readonly leftOut: readonly string[]
  /** What measuring needs, beyond running. Once, before the first measurement. */
  warm?(): Promise<void>
  close(): Promise<void>
}

export interface Suite {
  readonly name: string
  /** Prepares the data. `folder` is empty and the suite's own; whoever made it removes it. */
  open(folder: string): Promise<OpenSuite>
}

/** A suite that holds nothing open. */
export function plainSuite(name: string, comparisons: () => Comparison[] | Promise<Comparison[]>, leftOut: readonly string[] = []): Suite {
  return { name, open: async () => ({ comparisons: await comparisons(), leftOut, close: () => Promise.resolve() }) }
}

/** Numbers that look random and are the same each time (xorshift32): one in [0, below). */
export function pseudoRandom(seed = 0x2545f491): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Bytes that look random and are the same each time. */
export function randomBytes(length: number): Buffer {
  const next = pseudoRandom()
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = next(256)
  return bytes
}
