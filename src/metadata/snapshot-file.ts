/**
 * Snapshots of the metadata (KIP-630): `OFFSET-EPOCH.checkpoint`, the records up to that offset as batches between a header and a footer
 * record. A file without its footer, or with a batch that fails its check, was never finished and does not count.
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { controlTypeOf, ControlType } from '../record/control.js'
import { recordsOf } from '../record/decode.js'
import type { RecordInput } from '../record/builder.js'
import { walkBatches } from './batch-file.js'
import { controlBatch, snapshotFooter, snapshotHeader } from './control-records.js'
import type { MetadataImage } from './image.js'
import { encodeBatches } from './record-codec.js'
import type { Replayer } from './replayer.js'

export interface SnapshotFile {
  readonly path: string
  /** The records below it are in the snapshot. */
  readonly endOffset: number
  /** Of the last of them. */
  readonly epoch: number
}

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/
const MAX_BATCH_BYTES = 1024 * 1024
const TIMESTAMP_AT = 2

/** Newest first. */
export function listSnapshots(folder: string, names: readonly string[]): SnapshotFile[] {
  const found: SnapshotFile[] = []
  for (const name of names) {
    const match = NAME.exec(name)
    if (match) found.push({ path: path.join(folder, name), endOffset: Number(match[1]), epoch: Number(match[2]) })
  }
  return found.sort((left, right) => right.endOffset - left.endOffset || right.epoch - left.epoch)
}

/** Returns the timestamp of the last record that the snapshot contains; undefined when the file is not whole: then the replayer's state is void. */
export async function replaySnapshot({ path: file }: SnapshotFile, replayer: Replayer): Promise<number | undefined> {
  let timestamp: number | undefined
  let whole = false
  const { validBytes, fileBytes } = await walkBatches(file, (bytes, header) => {
    whole = false
    if (header.control) {
      for (const { key, value } of recordsOf(bytes, header)) {
        const type = controlTypeOf(key)
        if (type === ControlType.snapshotHeader && value) timestamp = Number(value.readBigInt64BE(TIMESTAMP_AT))
        if (type === ControlType.snapshotFooter) whole = true
      }
    }
    replayer.batch(bytes, header)
  })
  return whole && validBytes === fileBytes ? timestamp : undefined
}

export interface SnapshotContent {
  readonly image: MetadataImage
  readonly quorum: Iterable<RecordInput>
  readonly endOffset: number
  readonly epoch: number
  /** Of the last record of the log. */
  readonly lastTimestamp: number
  readonly now: number
}

/** The bytes of a snapshot. Made in one go: the image must not change in between. */
export function encodeSnapshot({ image, quorum, epoch, lastTimestamp, now }: SnapshotContent): Buffer[] {
  const head = [snapshotHeader(lastTimestamp), ...quorum]
  const batches = [controlBatch(head, { baseOffset: 0, epoch, timestamp: now })]
  let next = head.length
  for (const batch of encodeBatches(image.records(), { baseOffset: next, epoch, timestamp: now }, MAX_BATCH_BYTES)) {
    batches.push(batch)
    next = Number(batch.readBigInt64BE(0)) + batch.readInt32BE(57)
  }
  batches.push(controlBatch([snapshotFooter()], { baseOffset: next, epoch, timestamp: now }))
  return batches
}

/** Resolved: the file is there, whole and durable. Until then only a `.part` file is. */
export async function writeSnapshot(folder: string, endOffset: number, epoch: number, batches: readonly Buffer[]): Promise<SnapshotFile> {
  const file = path.join(folder, `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`)
  await writeDurably(file, batches)
  return { path: file, endOffset, epoch }
}

/** Replaces `file` as a whole: a crash leaves the old one or the new one. */
export async function writeDurably(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const part = `${file}.part`
  try {
    const handle = await open(part, 'w')
    try {
      for (const bytes of parts) await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  let folder: FileHandle | undefined
  try {
    folder = await open(path.dirname(file), 'r')
    await folder.sync()
  } finally {
    await folder?.close()
  }
}
