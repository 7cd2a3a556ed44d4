/** What lies in the folders of partitions, read as files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeBatches, decompressedRecords, recordsOf } from '../../src/record/index.js'

const MAX_BYTES = 1 << 20
const PATIENCE_MS = 30_000

/** A checkpoint's offset for a partition; -1: it has none. */
export function checkpointed(dir: string, file: string, topic: string, partition: number): number {
  const name = path.join(dir, file)
  const text = existsSync(name) ? readFileSync(name, 'utf8') : ''
  return Number(new RegExp(`^${topic} ${partition} (\\d+)$`, 'm').exec(text)?.[1] ?? -1)
}

/** Resolves when it is so. Looks every few ms: what a broker does in the background nobody tells of. */
export async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !isSo();) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await delay(10)
  }
}

/** Resolves when the cleaner has done all that may be cleaned: everything but the active segment. */
export async function whenCleaned(dir: string, topic: string, partition: number): Promise<void> {
  const folder = path.join(dir, `${topic}-${partition}`)
  const isDone = () => checkpointed(dir, 'cleaner-offset-checkpoint', topic, partition) === activeBase(folder)
  await eventually(`${folder} is compacted`, isDone)
}

/** Base offset of the segment that is appended to. */
export function activeBase(folder: string): number {
  return Number(segments(folder).at(-1)!.slice(0, 20))
}

function segments(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .toSorted()
}

/**
 * Every closed segment with its batches, records and indexes: those of offsets and times only if asked for. A delete horizon is told as one: its
 * time is that of the compaction.
 */
export async function describeSegments(folder: string, withIndexes: boolean) {
  const all = []
  for (const name of segments(folder).slice(0, -1)) {
    const bytes = readFileSync(path.join(folder, name))
    const batches = []
    for (const header of decodeBatches(bytes)) {
      const { position: _, sizeInBytes: __, crc: ___, deleteHorizonMs, baseTimestamp, ...fields } = header
      const records = []
      for (const record of recordsOf(bytes, header, await decompressedRecords(bytes, header, MAX_BYTES))) {
        const text = (value: Buffer | null) => value?.toString('latin1') ?? null
        const headers = record.headers.map((one) => `${one.key}=${text(one.value)}`)
        records.push({ ...record, key: text(record.key), value: text(record.value), headers })
      }
      batches.push({ ...fields, horizon: deleteHorizonMs !== null, ...(deleteHorizonMs === null ? { baseTimestamp } : {}), records })
    }
    const indexes = withIndexes ? ['index', 'timeindex', 'txnindex'] : ['txnindex']
    all.push({ name, batches, indexes: indexes.map((suffix) => bytesOf(path.join(folder, `${name.slice(0, 20)}.${suffix}`))) })
  }
  return all
}

function bytesOf(file: string): string {
  return existsSync(file) ? readFileSync(file).toString('hex') : ''
}
