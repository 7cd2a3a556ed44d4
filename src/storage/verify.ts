/**
 * Checks the folder of a log against the rules of the format: every batch whole and with its CRC, offsets rising and within their segment,
 * every index entry at the start of a batch that ends in its offset, timestamps of the time index true. For tests and tools: it reads all
 * bytes, by itself, and shares no code with the engine's own walks.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import * as batch from '../record/batch.js'
import { openFile, readFile, storageError } from './files.js'
import { checkOptions, checkPath, VERIFY_OPTIONS } from './library/checks.js'
import { INDEX_SUFFIX, LOG_SUFFIX, offsetName, parseSegmentFile, TIME_INDEX_SUFFIX } from './names.js'

export interface Finding {
  readonly file: string
  readonly message: string
}

interface Batch {
  readonly position: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

export interface VerifyOptions {
  /** Offsets may have gaps: a compacted log. */
  readonly gaps?: boolean
}

/** Everything that is wrong, in the order of the files; empty: the log is sound. Rejects with a StorageError. */
export async function verifyFolder(folder: string, options: VerifyOptions = {}): Promise<Finding[]> {
  checkPath(folder)
  checkOptions(options, VERIFY_OPTIONS)
  const { gaps = false } = options
  const findings: Finding[] = []
  const names = await readdir(folder).catch((error: unknown) => {
    throw storageError(error, folder)
  })
  const files = names.map(parseSegmentFile).filter((file) => file?.suffix === LOG_SUFFIX && file.state === '')
  const bases = files.map((file) => file!.offset).sort((a, b) => a - b)
  let next = bases[0] ?? 0
  for (const base of bases) {
    const name = offsetName(base)
    const tell = (suffix: string) => (message: string) => findings.push({ file: name + suffix, message })
    if (base < next || (!gaps && base !== next)) tell(LOG_SUFFIX)(`begins at ${base}, the segment before it ends at ${next}`)
    const batches = await readBatches(path.join(folder, name + LOG_SUFFIX), base, gaps, tell(LOG_SUFFIX))
    next = (batches.at(-1)?.lastOffset ?? base - 1) + 1
    checkOffsetIndex(await bytesOf(path.join(folder, name + INDEX_SUFFIX)), base, batches, tell(INDEX_SUFFIX))
    checkTimeIndex(await bytesOf(path.join(folder, name + TIME_INDEX_SUFFIX)), base, batches, tell(TIME_INDEX_SUFFIX))
  }
  return findings
}

async function readBatches(file: string, base: number, gaps: boolean, tell: (message: string) => void): Promise<Batch[]> {
  const batches: Batch[] = []
  const handle = await openFile(file)
  try {
    const { size } = await handle.stat()
    let next = base
    for (let position = 0; position < size;) {
      const head = Buffer.alloc(batch.BATCH_OVERHEAD)
      await handle.read(head, 0, head.length, position)
      const bytes = batch.sizeInBytes(head, 0)
      if (bytes < batch.BATCH_OVERHEAD || bytes > size - position) {
        tell(`no whole batch at ${position}: it claims ${bytes} bytes of ${size - position}`)
        break
      }
      const whole = Buffer.alloc(bytes)
      await handle.read(whole, 0, bytes, position)
      const flaw = batch.frameAt(whole, 0, bytes, true)
      if (typeof flaw === 'string') tell(`the batch at ${position}: ${flaw}`)
      const baseOffset = batch.baseOffset(whole, 0)
      if (baseOffset < next || (!gaps && baseOffset !== next))
        tell(`the batch at ${position} begins at offset ${baseOffset}, not at ${next}`)
      const lastOffset = batch.lastOffset(whole, 0)
      next = lastOffset + 1
      batches.push({ position, baseOffset, lastOffset, maxTimestamp: batch.maxTimestamp(whole, 0) })
      position += bytes
    }
  } finally {
    await handle.close()
  }
  return batches
}

function checkOffsetIndex(bytes: Buffer, base: number, batches: readonly Batch[], tell: (message: string) => void): void {
  const byPosition = new Map(batches.map((one) => [one.position, one]))
  if (bytes.length % 8 !== 0) tell(`${bytes.length} bytes are no whole entries`)
  let before = -1
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const offset = base + bytes.readInt32BE(at)
    const position = bytes.readInt32BE(at + 4)
    if (offset <= before) tell(`the offset ${offset} does not rise`)
    before = offset
    const one = byPosition.get(position)
    if (one === undefined) tell(`no batch begins at ${position}`)
    else if (one.lastOffset !== offset) tell(`the batch at ${position} ends in offset ${one.lastOffset}, not in ${offset}`)
  }
}

function checkTimeIndex(bytes: Buffer, base: number, batches: readonly Batch[], tell: (message: string) => void): void {
  if (bytes.length % 12 !== 0) tell(`${bytes.length} bytes are no whole entries`)
  let before = -1
  let index = 0
  let largest = -1
  for (let at = 0; at + 12 <= bytes.length; at += 12) {
    const timestamp = batch.readInt64(bytes, at)
    const offset = base + bytes.readInt32BE(at + 8)
    if (timestamp <= before) tell(`the timestamp ${timestamp} does not rise`)
    before = timestamp
    while (index < batches.length && batches[index]!.baseOffset <= offset) largest = Math.max(largest, batches[index++]!.maxTimestamp)
    if (largest !== timestamp) tell(`up to offset ${offset} the largest timestamp is ${largest}, not ${timestamp}`)
  }
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch {
    // A segment that nothing was indexed in may have no index.
    return Buffer.alloc(0)
  }
}
