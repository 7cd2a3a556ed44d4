/** Segments of the native engine in tests: batches for them, and the answers that a list of batches would give. */
import type { ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ScanStatus } from '../../src/native/numbers.js'
import { loadAddon } from '../../src/native/load-addon.js'
import { Runtime } from '../../src/native/runtime.js'
import { NativeSegment, type BatchLocation, type Strand } from '../../src/native/segment.js'
import { fixturePath } from '../support/fixtures.js'

export const crc32c = (bytes: Uint8Array, seed?: number) => loadAddon().crc32c(bytes, seed)
export const INDEX_BYTES = 10 * 1024 * 1024

export interface Batch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: number
  readonly maxTimestamp: number
}

/** A batch v2 whose records are noise: nothing native looks at them. */
export function encode(batch: Batch): Buffer {
  const bytes = Buffer.alloc(batch.bytes, batch.baseOffset & 0xff)
  bytes.fill(0, 0, 61)
  bytes.writeBigInt64BE(BigInt(batch.baseOffset), 0)
  bytes.writeInt32BE(batch.bytes - 12, 8)
  bytes.writeInt8(2, 16)
  bytes.writeInt32BE(batch.lastOffset - batch.baseOffset, 23)
  bytes.writeBigInt64BE(BigInt(batch.maxTimestamp), 35)
  bytes.writeBigInt64BE(-1n, 43)
  bytes.writeInt32BE(batch.lastOffset - batch.baseOffset + 1, 57)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

export function openRuntime(t: ExecutionContext): Runtime {
  const runtime = new Runtime()
  t.teardown(() => runtime.close())
  return runtime
}

/** Resolves to the status of the append (negative: an errno) and the end of the file behind it. */
export function append(runtime: Runtime, segment: NativeSegment, strand: Strand, batch: Batch): Promise<{ status: number; end: number }> {
  const frame = runtime.frameFrom(encode(batch))
  return new Promise((resolve) => {
    segment.append(strand, frame, 0, batch.bytes, batch.baseOffset, 0, (status, end) => resolve({ status, end }))
    runtime.release(frame)
  })
}

/** Of the files of a segment. */
export const nameOf = (baseOffset: number) => String(baseOffset).padStart(20, '0')

/** `size` -1: the segment is new. */
export function create(runtime: Runtime, folder: string, size = -1, indexIntervalBytes = 4096, baseOffset = 0): NativeSegment {
  return new NativeSegment(runtime, path.join(folder, nameOf(baseOffset)), {
    baseOffset,
    size,
    indexBytes: INDEX_BYTES,
    indexIntervalBytes
  })
}

/** The batches of a file by reading all of it: the model that look-ups are judged by. */
export function batchesOf(file: string): Batch[] {
  const bytes = readFileSync(file)
  const batches: Batch[] = []
  for (let at = 0; at < bytes.length;) {
    const baseOffset = Number(bytes.readBigInt64BE(at))
    const size = bytes.readInt32BE(at + 8) + 12
    const maxTimestamp = Number(bytes.readBigInt64BE(at + 35))
    batches.push({ baseOffset, lastOffset: baseOffset + bytes.readInt32BE(at + 23), bytes: size, maxTimestamp })
    at += size
  }
  return batches
}

function placeOf(batches: readonly Batch[], matches: (batch: Batch) => boolean): BatchLocation {
  let position = 0
  for (const batch of batches) {
    if (matches(batch)) return { position, baseOffset: batch.baseOffset, bytes: batch.bytes }
    position += batch.bytes
  }
  return { position, baseOffset: -1, bytes: 0 }
}

/** Every look-up answers as the list of batches does. */
export async function assertLookups(t: ExecutionContext, segment: NativeSegment, batches: readonly Batch[]): Promise<void> {
  const last = batches.at(-1)?.lastOffset ?? segment.baseOffset - 1
  const offsets = new Set([segment.baseOffset, last + 1, ...batches.flatMap((batch) => [batch.baseOffset, batch.lastOffset])])
  for (const offset of offsets) {
    const expected = placeOf(batches, (batch) => batch.lastOffset >= offset)
    t.deepEqual(await segment.locate(offset), expected)
    t.deepEqual(segment.locateNow(offset) ?? expected, expected)
  }
  for (const timestamp of new Set(batches.flatMap((batch) => [batch.maxTimestamp, batch.maxTimestamp + 1]))) {
    const expected = placeOf(batches, (batch) => batch.maxTimestamp >= timestamp)
    t.deepEqual(await segment.locateTimestamp(timestamp), expected.bytes === 0 ? undefined : expected)
  }
}

/** To the end or to the first batch that is not valid. */
export async function scanAll(
  runtime: Runtime,
  segment: NativeSegment,
  flags: number
): Promise<{ status: number; reason: number; position: number; rows: number }> {
  let position = 0
  let rows = 0
  for (;;) {
    const scan = await segment.scan(position, 64 * 1024, 1000, flags)
    rows += scan.count
    if (scan.frame) runtime.release(scan.frame)
    position = scan.position
    if (scan.status !== ScanStatus.more) return { status: scan.status, reason: scan.reason, position, rows }
  }
}

/** A folder of logs that Apache Kafka wrote, unpacked into `dir`. */
export function goldenFolder(dir: string): string {
  execFileSync('tar', ['-xzf', fixturePath('golden-log/clean.tar.gz'), '-C', dir])
  return dir
}
