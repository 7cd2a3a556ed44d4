/** What native code knows of record batches: their checks and their CRC. */
import test from 'ava'
import { loadAddon } from '../../src/native/load-addon.js'
import { crc32c, encode, openRuntime } from './segment-support.js'

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

test('crc32c: known values, and continued at any split', (t) => {
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.is(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff))
  const whole = crc32c(bytes)
  for (const split of [0, 1, 7, 64, 383, 384, 4999, 5000]) t.is(crc32c(bytes.subarray(split), crc32c(bytes.subarray(0, split))), whole)
  t.true(['sse4.2', 'armv8', 'portable'].includes(loadAddon().crc32cImplementation))
})
