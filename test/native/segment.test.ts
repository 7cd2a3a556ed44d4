import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SCAN_ROW_BYTES, ScanFlag, ScanStatus, SegmentStat, loadAddon } from '../../src/native/binding.js'
import { Runtime } from '../../src/native/runtime.js'
import { NativeSegment, Strand, type BatchLocation } from '../../src/native/segment.js'
import { fixturePath } from '../support/fixtures.js'
import { tempDir } from '../support/temp-dir.js'

const crc32c = (bytes: Uint8Array, seed?: number) => loadAddon().crc32c(bytes, seed)
const EVERYTHING = Number.MAX_SAFE_INTEGER
const INDEX_BYTES = 10 * 1024 * 1024

interface Batch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: number
  readonly maxTimestamp: number
}

/** A batch v2 whose records are noise: nothing native looks at them. */
function encode(batch: Batch): Buffer {
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

function openRuntime(t: ExecutionContext): Runtime {
  const runtime = new Runtime()
  t.teardown(() => runtime.close())
  return runtime
}

function append(runtime: Runtime, segment: NativeSegment, strand: Strand, batch: Batch): Promise<{ status: number; end: number }> {
  const frame = runtime.frameFrom(encode(batch))
  return new Promise((resolve) => {
    segment.append(strand, frame, 0, batch.bytes, batch.baseOffset, 0, (status, end) => resolve({ status, end }))
    runtime.release(frame)
  })
}

const nameOf = (baseOffset: number) => String(baseOffset).padStart(20, '0')

function create(runtime: Runtime, folder: string, size = -1, indexIntervalBytes = 4096, baseOffset = 0): NativeSegment {
  return new NativeSegment(runtime, path.join(folder, nameOf(baseOffset)), {
    baseOffset,
    size,
    indexBytes: INDEX_BYTES,
    indexIntervalBytes
  })
}

/** The batches of a file by reading all of it: the model that look-ups are judged by. */
function batchesOf(file: string): Batch[] {
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
async function assertLookups(t: ExecutionContext, segment: NativeSegment, batches: readonly Batch[]): Promise<void> {
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

async function scanAll(
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

function goldenFolder(dir: string): string {
  execFileSync('tar', ['-xzf', fixturePath('golden-log/clean.tar.gz'), '-C', dir])
  return dir
}

test('look-ups in the segments of a real broker, with its own indexes and without any', async (t) => {
  const runtime = openRuntime(t)
  const dir = goldenFolder(await tempDir(t))
  let segments = 0
  for (const log of readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'))) {
    const file = path.join(dir, log)
    const options = {
      baseOffset: Number(path.basename(log, '.log')),
      size: statSync(file).size,
      indexBytes: INDEX_BYTES,
      indexIntervalBytes: 4096
    }
    const batches = batchesOf(file)
    const given = new NativeSegment(runtime, file.slice(0, -4), options)
    t.true(await given.indexesLookSound(), log)
    await assertLookups(t, given, batches)
    given.close()
    rmSync(file.replace('.log', '.index'), { force: true })
    rmSync(file.replace('.log', '.timeindex'), { force: true })
    const bare = new NativeSegment(runtime, file.slice(0, -4), options)
    t.is(await bare.indexesLookSound(), options.size === 0, log)
    await assertLookups(t, bare, batches)
    const scan = await scanAll(runtime, bare, ScanFlag.verifyCrc)
    t.deepEqual(scan, { status: ScanStatus.end, reason: 0, position: options.size, rows: batches.length }, log)
    bare.close()
    segments++
  }
  t.true(segments > 15)
})

// Segments that were written in one run of the broker (a restart counts the interval anew, a clean stop adds a time entry, the cleaner has its own rhythm).
const wholeRuns = ['plain-0/0', 'trimmed-0/0', 'trimmed-0/246', 'trimmed-0/731', 'trimmed-0/971', 'txn-0/0', 'txn-0/143', 'txn-0/155']

test('rebuilt and appended indexes are the bytes that Kafka wrote', async (t) => {
  const runtime = openRuntime(t)
  const dir = goldenFolder(await tempDir(t))
  const copies = await tempDir(t)
  const indexInterval = 512 // of the broker that wrote the folder
  for (const run of wholeRuns) {
    const [folder = '', base = ''] = run.split('/')
    const baseOffset = Number(base)
    const golden = path.join(dir, folder, nameOf(baseOffset))
    const bytes = readFileSync(`${golden}.log`)
    const assertSame = (kind: string, copy: string) => {
      for (const suffix of ['.log', '.index', '.timeindex'])
        t.deepEqual(readFileSync(copy + suffix), readFileSync(golden + suffix), `${kind} ${run}${suffix}`)
    }
    const rebuilt = path.join(copies, 'rebuilt', folder)
    mkdirSync(rebuilt, { recursive: true })
    copyFileSync(`${golden}.log`, path.join(rebuilt, `${nameOf(baseOffset)}.log`))
    const strand = new Strand(runtime)
    const recovered = create(runtime, rebuilt, bytes.length, indexInterval, baseOffset)
    await scanAll(runtime, recovered, ScanFlag.verifyCrc | ScanFlag.rebuildIndexes)
    await recovered.seal(strand, -1, -1)
    assertSame('rebuilt', recovered.path)

    const written = path.join(copies, 'written', folder)
    mkdirSync(written, { recursive: true })
    const segment = create(runtime, written, -1, indexInterval, baseOffset)
    const frame = runtime.frameFrom(bytes)
    let at = 0
    const results: Promise<number>[] = []
    for (const batch of batchesOf(`${golden}.log`)) {
      const start = at
      results.push(
        new Promise((resolve) =>
          segment.append(strand, frame, start, batch.bytes, batch.baseOffset, bytes.readInt32BE(start + 12), (status) => resolve(status))
        )
      )
      at += batch.bytes
    }
    runtime.release(frame)
    t.true((await Promise.all(results)).every((status) => status === 0))
    await segment.seal(strand, -1, -1)
    assertSame('written', segment.path)
    strand.close()
  }
})

test('appends, cuts and restarts answer like a list of batches', async (t) => {
  const runtime = openRuntime(t)
  const dir = await tempDir(t)
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        records: fc.integer({ min: 1, max: 9 }),
        bytes: fc.integer({ min: 61, max: 900 }),
        timestamp: fc.integer({ min: -1, max: 300 })
      })
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), kept: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) }
  )
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const folder = path.join(dir, String(run++))
      mkdirSync(folder)
      const strand = new Strand(runtime)
      let segment = create(runtime, folder, -1, 700)
      t.is(await segment.prepare(strand), 0)
      let batches: Batch[] = []
      const end = () => batches.reduce((sum, batch) => sum + batch.bytes, 0)
      for (const action of steps) {
        if (action.kind === 'append') {
          const baseOffset = (batches.at(-1)?.lastOffset ?? -1) + 1
          const batch = { baseOffset, lastOffset: baseOffset + action.records - 1, bytes: action.bytes, maxTimestamp: action.timestamp }
          batches.push(batch)
          t.deepEqual(await append(runtime, segment, strand, batch), { status: 0, end: end() })
        } else if (action.kind === 'cut') {
          batches = batches.slice(0, Math.floor(batches.length * action.kept))
          await segment.truncate(strand, end())
        } else {
          segment.close()
          segment = create(runtime, folder, end(), 700)
        }
      }
      await assertLookups(t, segment, batches)
      t.deepEqual(batchesOf(`${segment.path}.log`), batches)
      t.true(await segment.indexesLookSound())
      segment.close()
      strand.close()
    }),
    { numRuns: 40 }
  )
})

test('a life: created, appended, flushed, sealed, cut, moved', async (t) => {
  const runtime = openRuntime(t)
  const dir = await tempDir(t)
  const folder = path.join(dir, 'topic-0')
  mkdirSync(folder)
  const strand = new Strand(runtime)
  const segment = create(runtime, folder, -1, 0)
  t.is(await segment.prepare(strand), 0)
  t.deepEqual(readdirSync(folder), [`${nameOf(0)}.log`], 'indexes wait for the first append')
  for (let i = 0; i < 4; i++)
    await append(runtime, segment, strand, { baseOffset: i * 10, lastOffset: i * 10 + 9, bytes: 100, maxTimestamp: 50 - i })
  t.is(await segment.flush(), 400)
  t.deepEqual(segment.stat(), {
    size: 400,
    open: true,
    offsetIndexEntries: 3,
    timeIndexEntries: 1,
    lastIndexedTimestamp: 50,
    lastIndexedTimestampOffset: 9
  })
  t.deepEqual(await segment.read(390, 100), readFileSync(`${segment.path}.log`).subarray(390))
  t.is((await segment.read(400, 100)).length, 0)
  await segment.seal(strand, 70, 39)
  t.is(segment.stat().lastIndexedTimestamp, 70)
  const refused = await append(runtime, segment, strand, { baseOffset: 40, lastOffset: 40, bytes: 100, maxTimestamp: 1 })
  t.true(refused.status < 0, 'sealed')
  strand.reset()

  const truncations = new Float64Array(7)
  await segment.truncate(strand, 200)
  runtime.native.segmentStat(segment.handle, truncations)
  t.is(truncations[SegmentStat.truncations], 1)
  t.is(statSync(`${segment.path}.log`).size, 200)
  t.is(segment.stat().offsetIndexEntries, 1)
  t.is((await append(runtime, segment, strand, { baseOffset: 20, lastOffset: 20, bytes: 61, maxTimestamp: 99 })).status, 0)
  await t.throwsAsync(segment.truncate(strand, 150), { message: /EINVAL/ })
  strand.reset()

  renameSync(folder, `${folder}-delete`)
  segment.moved(path.join(`${folder}-delete`, nameOf(0)))
  t.is(
    (await append(runtime, segment, strand, { baseOffset: 21, lastOffset: 21, bytes: 61, maxTimestamp: 100 })).status,
    0,
    'open files follow the folder'
  )
  segment.close()
})

test('a failed job breaks its strand; what is behind it is not written, until the reset', async (t) => {
  const runtime = openRuntime(t)
  const dir = await tempDir(t)
  const strand = new Strand(runtime)
  const good = create(runtime, dir)
  await good.prepare(strand)
  const nowhere = create(runtime, path.join(dir, 'missing'))
  const batch = { baseOffset: 0, lastOffset: 0, bytes: 100, maxTimestamp: 5 }
  const [failed, behind, cut] = await Promise.all([
    append(runtime, nowhere, strand, batch),
    append(runtime, good, strand, batch),
    good.truncate(strand, 0).then(() => 'done')
  ])
  t.is(failed.status, -2)
  t.is(behind.status, -125)
  t.is(cut, 'done')
  t.is(statSync(`${good.path}.log`).size, 0)
  strand.reset()
  t.is((await append(runtime, good, strand, batch)).status, 0)
  await t.throwsAsync(create(runtime, dir).prepare(strand), { message: /EEXIST/ }, 'data that is there is never overwritten')
})

test('recovery stops at the first bad batch and tells why', async (t) => {
  const runtime = openRuntime(t)
  const dir = await tempDir(t)
  const first = encode({ baseOffset: 0, lastOffset: 4, bytes: 150, maxTimestamp: 7 })
  const second = (change: (bytes: Buffer) => void) => {
    const bytes = encode({ baseOffset: 5, lastOffset: 5, bytes: 150, maxTimestamp: 8 })
    change(bytes)
    return bytes
  }
  const cases: [reason: number, tail: Buffer][] = [
    [0, second(() => {})],
    [1, second((bytes) => bytes.writeInt32BE(-5, 8))],
    [2, second((bytes) => bytes.writeInt8(1, 16))],
    [3, second((bytes) => bytes.writeInt8(99, 149))],
    [4, second((bytes) => bytes.writeBigInt64BE(4n, 0))],
    [5, second((bytes) => bytes.writeInt32BE(0x7fffffff, 8))],
    [5, second(() => {}).subarray(0, 100)]
  ]
  for (const [index, [reason, tail]] of cases.entries()) {
    const folder = path.join(dir, String(index))
    mkdirSync(folder)
    writeFileSync(path.join(folder, `${nameOf(0)}.log`), Buffer.concat([first, tail]))
    const segment = create(runtime, folder, first.length + tail.length)
    const scan = await segment.scan(0, EVERYTHING, 100, ScanFlag.verifyCrc)
    const good = reason === 0 ? 2 : 1
    t.like(scan, { status: reason === 0 ? ScanStatus.end : ScanStatus.invalid, reason, count: good, position: good * 150 })
    const row = scan.frame!.buffer.subarray(scan.frame!.start, scan.frame!.start + SCAN_ROW_BYTES)
    t.is(row.readBigInt64BE(0), 0n)
    t.deepEqual(row.subarray(8, 69), first.subarray(0, 61))
    runtime.release(scan.frame!)
    segment.close()
  }
})

test('an index that is damaged is noticed, and never leads astray', async (t) => {
  const runtime = openRuntime(t)
  const dir = goldenFolder(await tempDir(t))
  const base = path.join(dir, 'plain-0', nameOf(0))
  const size = statSync(`${base}.log`).size
  const batches = batchesOf(`${base}.log`)
  const damages: ((index: Buffer) => Buffer)[] = [
    (index) => index.subarray(0, 13),
    (index) => Buffer.concat([index, Buffer.alloc(4096)]),
    (index) => Buffer.from(index).fill(0xff, 40, 48),
    (index) => Buffer.concat([index.subarray(8, 16), index.subarray(0, 8)])
  ]
  const original = readFileSync(`${base}.index`)
  for (const damage of damages) {
    writeFileSync(`${base}.index`, damage(original))
    const segment = new NativeSegment(runtime, base, { baseOffset: 0, size, indexBytes: INDEX_BYTES, indexIntervalBytes: 512 })
    t.false(await segment.indexesLookSound())
    await assertLookups(t, segment, batches)
    segment.close()
  }
  writeFileSync(`${base}.index`, original)
  truncateSync(`${base}.log`, 1326)
  const shorter = new NativeSegment(runtime, base, { baseOffset: 0, size: 1326, indexBytes: INDEX_BYTES, indexIntervalBytes: 512 })
  t.false(await shorter.indexesLookSound(), 'entries above the end of the log')
})

test('batches are checked in a frame, and stamped anew', (t) => {
  const runtime = openRuntime(t)
  const native = runtime.native
  const batch = encode({ baseOffset: 3, lastOffset: 9, bytes: 333, maxTimestamp: 5 })
  const frame = runtime.frameFrom(Buffer.concat([Buffer.alloc(7), batch, batch]))
  t.is(native.checkBatches(frame.id, 7, 666), 2)
  t.is(native.checkBatches(frame.id, 7, 0), 0)
  t.is(native.checkBatches(frame.id, 7, 665), -1)
  const view = frame.buffer.subarray(frame.start, frame.end)
  view.writeBigInt64BE(77n, 7 + 35)
  t.is(native.checkBatches(frame.id, 7, 333), -3)
  native.restampCrc(frame.id, 7, 333)
  t.is(native.checkBatches(frame.id, 7, 666), 2)
  view.writeInt32BE(3, 7 + 57)
  native.restampCrc(frame.id, 7, 333)
  t.is(native.checkBatches(frame.id, 7, 333), -4)
  view.writeInt8(1, 7 + 16)
  t.is(native.checkBatches(frame.id, 7, 333), -2)
  t.throws(() => native.restampCrc(frame.id, 7, 333), { instanceOf: RangeError })
  t.throws(() => native.checkBatches(frame.id, 7, 667), { instanceOf: RangeError })
  t.throws(() => native.checkBatches(frame.id, -1, 2), { instanceOf: RangeError })
  runtime.release(frame)
  t.throws(() => native.checkBatches(frame.id, 0, 1), { instanceOf: RangeError })
})

test('a frame over bytes of JavaScript keeps them until it is released', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const runtime = openRuntime(t)
  const segment = create(runtime, await tempDir(t))
  const strand = new Strand(runtime)
  const batch = { baseOffset: 0, lastOffset: 0, bytes: 1_000_000, maxTimestamp: 1 }
  const bytes = encode(batch)
  const appended: Promise<number>[] = []
  for (let offset = 0; offset < 100; offset++) {
    const frame = runtime.frameOver(Buffer.from(bytes))
    appended.push(new Promise((resolve) => segment.append(strand, frame, 0, batch.bytes, offset, 3, resolve)))
    runtime.release(frame)
    if (offset % 10 === 0) collect()
  }
  t.true((await Promise.all(appended)).every((status) => status === 0))
  for (let offset = 0; offset < 100; offset++) {
    const stored = await segment.read(offset * batch.bytes, batch.bytes)
    t.is(Number(stored.readBigInt64BE(0)), offset)
    t.is(stored.readInt32BE(12), 3)
    t.true(stored.subarray(16).equals(bytes.subarray(16)))
  }
  const kept = runtime.frameOver(bytes)
  t.throws(() => runtime.frame(kept.id), { instanceOf: RangeError }, 'it is in no slab')
  await runtime.close()
})

test('what JavaScript passes wrongly is thrown back', async (t) => {
  const runtime = openRuntime(t)
  const native = runtime.native as unknown as Record<string, (...args: unknown[]) => unknown>
  const dir = await tempDir(t)
  const segment = create(runtime, dir)
  const strand = new Strand(runtime)
  const segmentCalls = Object.keys(native).filter((name) => name.startsWith('segment') && name !== 'segmentOpen')
  t.true(segmentCalls.length >= 13)
  for (const name of segmentCalls) {
    for (const handle of [0, -1, 1.5, Number.NaN, Infinity, strand.handle, segment.handle + 1, segment.handle + 2 ** 23]) {
      t.throws(() => native[name]!(handle, strand.handle, 0, 0, 0, 0, 0, 0, 0), { any: true }, `${name}(${handle})`)
    }
    t.throws(() => native[name]!('1'), { instanceOf: TypeError }, name)
    t.throws(() => native[name]!(), { instanceOf: TypeError }, name)
  }
  t.throws(() => native['segmentPrepare']!(segment.handle, segment.handle, 0), { instanceOf: RangeError })
  t.throws(() => native['segmentOpen']!('a\0b', 0, -1, 1, 1), { instanceOf: RangeError })
  t.throws(() => native['segmentOpen']!('', 0, -1, 1, 1), { instanceOf: RangeError })
  t.throws(() => native['segmentOpen']!(`${dir}/x`, -1, -1, 1, 1), { instanceOf: RangeError })
  t.throws(() => native['segmentLocate']!(segment.handle, 0, new Float64Array(2)), { instanceOf: RangeError })
  t.throws(() => native['segmentStat']!(segment.handle, [1]), { instanceOf: TypeError })
  const frame = runtime.frameFrom(Buffer.alloc(100))
  t.throws(() => native['segmentAppend']!(segment.handle, strand.handle, frame.id, 0, 100, 0, 0, 0), { instanceOf: RangeError }, 'no batch')
  runtime.release(frame)
  segment.close()
  t.throws(() => segment.stat(), { instanceOf: RangeError })
  strand.close()
  t.throws(() => strand.reset(), { instanceOf: RangeError })
  const stat = native['segmentStat']!
  await runtime.close()
  t.throws(() => stat(segment.handle, new Float64Array(7)), { message: /closed/ })
  t.false(existsSync(path.join(dir, `${nameOf(0)}.log`)), 'no system call before the first job')
})

test('crc32c: known values, and continued at any split', (t) => {
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.is(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff))
  const whole = crc32c(bytes)
  for (const split of [0, 1, 7, 64, 383, 384, 4999, 5000]) t.is(crc32c(bytes.subarray(split), crc32c(bytes.subarray(0, split))), whole)
  t.true(['sse4.2', 'armv8', 'portable'].includes(loadAddon().crc32cImplementation))
})
