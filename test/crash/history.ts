/** What a run says about itself, line by line: each before the next thing is done. Kept in a file that survives a kill, and in the journal. */

export type Line =
  /** A child begins: nothing of the one before is under way any more. */
  | readonly ['begin']
  /** About to append. */
  | readonly ['send', topic: string, partition: number, id: string, count: number, producerId: number, sequence: number, bytes: number]
  | readonly ['ack', topic: string, partition: number, id: string, base: number, last: number]
  | readonly ['nak', topic: string, partition: number, id: string, errorCode: number]
  /** A flush was asked for when the log ended at `end`, and was done. */
  | readonly ['flushed', topic: string, partition: number, end: number]
  /** The log start is about to move to at most `offset`, and has moved. */
  | readonly ['cutting', topic: string, partition: number, offset: number]
  | readonly ['cut', topic: string, partition: number, offset: number]
  /** The log is about to be cut at `offset`, and ends there. */
  | readonly ['truncating', topic: string, partition: number, offset: number]
  | readonly ['truncated', topic: string, partition: number, offset: number]
  /** The log is about to be emptied, to begin at `offset`, and does. */
  | readonly ['restarting', topic: string, partition: number, offset: number]
  | readonly ['restarted', topic: string, partition: number, offset: number]
  /** It could not be cut, and is as it was. */
  | readonly ['uncut', topic: string, partition: number]
  | readonly ['creating', topic: string, partition: number, topicId: string]
  | readonly ['created', topic: string, partition: number]
  | readonly ['dropping', topic: string, partition: number]
  | readonly ['dropped', topic: string, partition: number]
  | readonly ['offline', error: string, dir: number, message: string]
  /** What the engine told of that must not be. */
  | readonly ['complaint', text: string]
  /** An append when the disk works again: 0, or the error. */
  | readonly ['healed', topic: string, partition: number, errorCode: number]
  | readonly ['closed']

export function encodeLine(line: Line): string {
  return `${JSON.stringify(line)}\n`
}

/** Lines that are whole; `rules …` for the fault library are none. */
export function decodeLines(text: string): Line[] {
  const lines = text.split('\n')
  lines.pop()
  return lines.filter((line) => line.startsWith('[')).map((line) => JSON.parse(line) as Line)
}
