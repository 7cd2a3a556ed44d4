/** What the command writes to standard output and standard error. */
import { writeSync } from 'node:fs'

type Output = 1 | 2

/** Lines of a log that a slow reader may be behind. */
const MOST_BEHIND_BYTES = 1024 * 1024
/** Outputs that took nothing more for the moment: Node has the rest, and what comes goes behind it. */
const behind = new Map<Output, NodeJS.WriteStream>()

/** Writes all of it at once, in order. Does not throw when the reader is gone, but where the system can not write, to a full disk, say. */
export function writeAll(fd: Output, text: string): void {
  const stream = behind.get(fd)
  if (stream !== undefined && stream.writableLength > 0) {
    stream.write(text)
    return
  }
  let left = Buffer.from(text)
  try {
    // A pipe that Node has made non-blocking takes a part only.
    while (left.length > 0) left = left.subarray(writeSync(fd, left))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN') writeBehind(fd, left)
    else if (code !== 'EPIPE') throw error
  }
}

/** A line of the log of a broker, which serves on where it can't be written: on a full disk, to a terminal that is gone, to a reader that has stopped. */
export function writeLine(line: string): void {
  if ((behind.get(1)?.writableLength ?? 0) > MOST_BEHIND_BYTES) return
  try {
    writeAll(1, line)
  } catch {
    // There is nobody to tell.
  }
}

function writeBehind(fd: Output, bytes: Buffer): void {
  let stream = behind.get(fd)
  if (stream === undefined) {
    stream = fd === 1 ? process.stdout : process.stderr
    // The reader may go meanwhile.
    stream.on('error', () => undefined)
    behind.set(fd, stream)
  }
  stream.write(bytes)
}
