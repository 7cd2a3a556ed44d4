/** Segments of the native engine: what is appended, cut, flushed, recovered, refused. Their indexes are in segment-indexes.test.ts. */
import test from 'ava'
import fc from 'fast-check'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SCAN_ROW_BYTES, ScanFlag, ScanStatus, SegmentStat } from '../../src/native/numbers.js'
import { Strand } from '../../src/native/segment.js'
import { tempDir } from '../support/temp-dir.js'
import { append, assertLookups, batchesOf, create, encode, nameOf, openRuntime, type Batch } from './segment-support.js'

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
    const scan = await segment.scan(0, Number.MAX_SAFE_INTEGER, 100, ScanFlag.verifyCrc)
    const good = reason === 0 ? 2 : 1
    t.like(scan, { status: reason === 0 ? ScanStatus.end : ScanStatus.invalid, reason, count: good, position: good * 150 })
    const row = scan.frame!.buffer.subarray(scan.frame!.start, scan.frame!.start + SCAN_ROW_BYTES)
    t.is(row.readBigInt64BE(0), 0n)
    t.deepEqual(row.subarray(8, 69), first.subarray(0, 61))
    runtime.release(scan.frame!)
    segment.close()
  }
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
