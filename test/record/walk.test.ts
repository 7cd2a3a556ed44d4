/** The walk over records: native and JavaScript agree, on good bytes and on any others. */
import fc from 'fast-check'
import test from 'ava'
import { walkRecords as native } from '../../src/native/functions.js'
import { BATCH_OVERHEAD, recordCount } from '../../src/record/batch.js'
import { crc32c, crc32cByTables } from '../../src/record/crc32c.js'
import { buildBatch, walkRecords, WALK_FIELDS, WalkField, WalkFlaw } from '../../src/record/index.js'
import { VarintCursor, sizeOfVarint, writeVarint } from '../../src/record/varint.js'

const bytes = fc.uint8Array({ maxLength: 40 }).map((all) => Buffer.from(all))
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  timestamp: fc.integer({ min: 0, max: 2 ** 41 }),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: fc.option(bytes) }), { maxLength: 3 })
})

test('both walks tell the same of a batch', (t) => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
      const built = buildBatch(records)
      const [ours, theirs] = [new Float64Array(WALK_FIELDS), new Float64Array(WALK_FIELDS)]
      const base = records[0]!.timestamp
      const deltas = records.map((one) => one.timestamp - base)
      const count = recordCount(built, 0)
      t.is(walkRecords(built, BATCH_OVERHEAD, built.length, count, ours), WalkFlaw.none)
      t.is(native(built, BATCH_OVERHEAD, built.length, count, theirs), WalkFlaw.none)
      t.deepEqual(ours, theirs)
      t.is(ours[WalkField.minTimestampDelta], Math.min(...deltas))
      t.is(ours[WalkField.maxTimestampDelta], Math.max(...deltas))
      t.is(
        ours[WalkField.firstWithoutKey],
        records.findIndex((one) => one.key === null)
      )
    }),
    { numRuns: 200, seed: 1 }
  )
})

test('both walks agree on bytes that were changed anywhere', (t) => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), fc.nat(), fc.nat(255), fc.nat(3), (records, at, value, more) => {
      const built = buildBatch(records)
      built[BATCH_OVERHEAD + (at % (built.length - BATCH_OVERHEAD))] = value
      const [ours, theirs] = [new Float64Array(WALK_FIELDS), new Float64Array(WALK_FIELDS)]
      const count = recordCount(built, 0) + (more === 0 ? 1 : 0)
      const verdict = walkRecords(built, BATCH_OVERHEAD, built.length, count, ours)
      t.is(native(built, BATCH_OVERHEAD, built.length, count, theirs), verdict)
      if (verdict !== WalkFlaw.none) t.is(ours[WalkField.index], theirs[WalkField.index])
    }),
    { numRuns: 1000, seed: 2 }
  )
})

test('varints hold every int32 and every timestamp', (t) => {
  const buffer = Buffer.alloc(10)
  for (const value of [0, -1, 1, 63, 64, -64, -65, 8191, 8192, 0x7fffffff, -0x80000000]) {
    const end = writeVarint(buffer, value, 0)
    t.is(end, sizeOfVarint(value))
    t.is(new VarintCursor(buffer, 0, end).varint(), value)
    t.is(new VarintCursor(buffer, 0, end).varlong(), value)
  }
  for (const value of [2 ** 31, -(2 ** 31) - 1, 1_700_000_000_000, -1_700_000_000_001, 2 ** 52 - 1]) {
    const end = writeVarint(buffer, value, 0)
    t.is(new VarintCursor(buffer, 0, end).varlong(), value)
  }
  t.throws(() => new VarintCursor(Buffer.alloc(12, 0xff)).varint(), { name: 'WireError' })
  t.throws(() => new VarintCursor(Buffer.alloc(12, 0xff)).varlong(), { name: 'WireError' })
  t.throws(() => new VarintCursor(Buffer.alloc(2, 0xff)).varint(), { name: 'WireError' })
})

test('CRC-32C is the one of iSCSI, and can be continued', (t) => {
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.is(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345'))), 0xe3069283)
  t.is(crc32c(Buffer.alloc(32)), 0x8a9136aa)
})

test('CRC-32C by tables and by native code are the same', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (all, at) => {
      const cut = Math.min(at, all.length)
      const whole = crc32cByTables(all)
      t.is(crc32c(all), whole)
      t.is(crc32c(all.subarray(cut), crc32c(all.subarray(0, cut))), whole)
    }),
    { numRuns: 200, seed: 1 }
  )
})
