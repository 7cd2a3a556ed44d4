/** Record batches with none, one or two things wrong. */
import { computeCrc } from '../../src/record/batch.js'
import * as batch from '../../src/record/batch.js'
import { RecordBatchBuilder } from '../../src/record/index.js'
import type { RecordState } from './record-side.js'
import type { Choice } from './rounds.js'

const FIRST_VERSION_WITH_ZSTD = 7

export type BatchRef = (state: RecordState) => Buffer | null

interface Fault {
  readonly name: string
  /** The CRC is made right again behind it. */
  readonly restamp: boolean
  readonly apply: (bytes: Buffer) => Buffer | null
}

const write = (name: string, restamp: boolean, change: (bytes: Buffer) => void): Fault => ({
  name,
  restamp,
  apply: (bytes) => {
    change(bytes)
    return bytes
  }
})
const attribute = (name: string, bits: number): Fault =>
  write(name, true, (bytes) => bytes.writeInt16BE(batch.attributes(bytes, 0) | bits, batch.At.attributes))
const length = (bytes: number): Fault => write(`length ${bytes}`, false, (all) => all.writeInt32BE(bytes, batch.At.batchLength))
const magic = (value: number): Fault => write(`magic ${value}`, false, (bytes) => bytes.writeInt8(value, batch.At.magic))
const behind = (name: string, more: (bytes: Buffer) => Buffer): Fault => ({
  name: `${name} behind it`,
  restamp: false,
  apply: (bytes) => Buffer.concat([bytes, more(bytes)])
})
const only = (bytes: number): Fault => ({ name: `only ${bytes} bytes`, restamp: false, apply: (all) => all.subarray(0, bytes) })
const withMagic = (bytes: Buffer, value: number): Buffer => {
  const other = Buffer.from(bytes)
  other.writeInt8(value, batch.At.magic)
  return other
}

/** Left out is what each broker judges in its own way: bytes behind a batch that are none, codecs that do not fit, LogAppendTime of a client. */
const FAULTS: readonly Fault[] = [
  magic(0),
  magic(1),
  magic(3),
  magic(-1),
  write('offset 5', false, (bytes) => batch.writeInt64(bytes, 5, 0)),
  write('offset -1', false, (bytes) => batch.writeInt64(bytes, -1, 0)),
  write('crc', false, (bytes) => bytes.writeInt32BE(~bytes.readInt32BE(batch.At.crc), batch.At.crc)),
  length(-1),
  length(0),
  length(5),
  length(14),
  length(5000),
  attribute('control', batch.Attribute.control),
  write('count +1', true, (bytes) => bytes.writeInt32BE(batch.recordCount(bytes, 0) + 1, batch.At.recordCount)),
  write('count -1', true, (bytes) => bytes.writeInt32BE(-1, batch.At.recordCount)),
  write('count 0', true, (bytes) => bytes.writeInt32BE(0, batch.At.recordCount)),
  write('last offset -1', true, (bytes) => bytes.writeInt32BE(-1, batch.At.lastOffsetDelta)),
  write('last offset +1', true, (bytes) => bytes.writeInt32BE(batch.lastOffsetDelta(bytes, 0) + 1, batch.At.lastOffsetDelta)),
  write('count and last offset +1', true, (bytes) => {
    bytes.writeInt32BE(batch.lastOffsetDelta(bytes, 0) + 1, batch.At.lastOffsetDelta)
    bytes.writeInt32BE(batch.recordCount(bytes, 0) + 1, batch.At.recordCount)
  }),
  write('record length', true, (bytes) => bytes.writeUInt8(bytes.readUInt8(batch.At.records) ^ 2, batch.At.records)),
  behind('20 zeros', () => Buffer.alloc(20)),
  behind('another', (bytes) => Buffer.from(bytes)),
  behind('an old one', (bytes) => withMagic(bytes, 1)),
  behind('one of magic 9', (bytes) => withMagic(bytes, 9)),
  only(10),
  only(14),
  only(16),
  only(17),
  only(60),
  only(0)
]

/** Later versions take it for what it says. */
const ZSTD = attribute('zstd', 4)
/** Of a producer: without one Kafka appends it, and no transaction has it. */
const TRANSACTIONAL = attribute('transactional', batch.Attribute.transactional)

export function anyBatch(choice: Choice, version: number): BatchRef {
  const count = choice.of(1, 1, 3)
  const keyed = choice.of(true, true, false)
  const time = choice.of<() => number>(
    () => Date.now(),
    () => Date.now(),
    () => Date.now(),
    () => 1000,
    () => Date.now() + 7_200_000,
    () => -1
  )
  const valueBytes = choice.of(1, 1, 1, 500)
  const producer = choice.of(
    'none',
    'none',
    'idempotent',
    'idempotent',
    'transactional',
    'transactional',
    'transactional',
    'unknown',
    'old',
    'new',
    'new',
    'newest'
  )
  const sequence = choice.of(0, 0, 0, 1, 3, -1)
  const faults = choice.of(0, 0, 1, 1, 1, 2, 2)
  const possible = [...FAULTS, ...(version < FIRST_VERSION_WITH_ZSTD ? [ZSTD] : []), ...(producer === 'none' ? [] : [TRANSACTIONAL])]
  const chosen = Array.from({ length: faults }, () => choice.of(...possible))
  return (state) => {
    const { idempotent, transactional } = state
    const now = time()
    const by = {
      none: {},
      idempotent: { producerId: idempotent.id, producerEpoch: idempotent.epoch, baseSequence: sequence },
      transactional: { producerId: transactional.id, producerEpoch: transactional.epoch, baseSequence: sequence, transactional: true },
      unknown: { producerId: 987_654, producerEpoch: 3, baseSequence: sequence },
      old: { producerId: transactional.id, producerEpoch: transactional.epoch - 1, baseSequence: sequence, transactional: true },
      new: { producerId: transactional.id, producerEpoch: transactional.epoch + 1, baseSequence: sequence, transactional: true },
      newest: { producerId: transactional.id, producerEpoch: transactional.epoch + 2, baseSequence: sequence, transactional: true }
    }[producer]
    const builder = new RecordBatchBuilder(by)
    for (let at = 0; at < count; at++) {
      builder.append({ key: keyed ? Buffer.from('k') : null, value: Buffer.alloc(valueBytes), timestamp: at === 0 ? now : Date.now() })
    }
    let bytes: Buffer | null = Buffer.from(builder.build())
    for (const { apply, restamp } of chosen) {
      if (bytes === null || bytes.length < batch.BATCH_OVERHEAD) break
      bytes = apply(bytes)
      if (restamp && bytes !== null) bytes.writeUInt32BE(crcOf(bytes), batch.At.crc)
    }
    const what = `${count} ${producer} ${sequence} ${keyed ? 'keyed' : 'without key'} ${valueBytes} bytes at ${now}, ${chosen.map(({ name }) => name).join(', ')}`
    return bytes && Object.assign(bytes, { toJSON: () => what })
  }
}

function crcOf(bytes: Buffer): number {
  const size = batch.sizeInBytes(bytes, 0)
  return size >= batch.BATCH_OVERHEAD && size <= bytes.length ? computeCrc(bytes.subarray(0, size), 0) : batch.crc(bytes, 0)
}
