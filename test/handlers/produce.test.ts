/** Produce: what is refused, which error wins where two things are wrong, and what else is said. The same of Apache Kafka. */
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { At, computeCrc } from '../../src/record/batch.js'
import { buildBatch, type RecordInput } from '../../src/record/index.js'
import { startBroker } from '../support/broker.js'
import { settled, Session } from '../takeover/session.js'

const HOUR_MS = 3_600_000
const START = 2
const MAX_BYTES = 2000
let topics = 0

type Options = Parameters<typeof buildBatch>[1]

function oneBatch(records: readonly RecordInput[] = [{ key: Buffer.from('k'), value: Buffer.from('v') }], options: Options = {}): Buffer {
  return Buffer.from(buildBatch(records, { timestamp: Date.now(), ...options }))
}

const changed = (bytes: Buffer, change: (bytes: Buffer) => void): Buffer => {
  change(bytes)
  return bytes
}
const corrupt = (bytes: Buffer): Buffer => changed(bytes, () => (bytes[bytes.length - 1]! ^= 1))
const at5 = (bytes: Buffer): Buffer => changed(bytes, () => bytes.writeBigInt64BE(5n))
const magic1 = (bytes: Buffer): Buffer => changed(bytes, () => bytes.writeInt8(1, At.magic))
const control = (bytes: Buffer): Buffer =>
  changed(bytes, () => {
    bytes.writeInt16BE(0x20, At.attributes)
    bytes.writeUInt32BE(computeCrc(bytes, 0), At.crc)
  })
const large = (): Buffer => oneBatch([{ key: Buffer.from('k'), value: Buffer.alloc(MAX_BYTES) }])
const longAgo = (): Buffer =>
  oneBatch([
    { value: Buffer.from('without a key') },
    { key: Buffer.from('k'), value: Buffer.from('old'), timestamp: 1000 },
    { key: Buffer.from('k'), value: Buffer.from('fine') }
  ])

/** A topic of two partitions with three records, of which the first ones are deleted. */
async function setUp(t: ExecutionContext) {
  const broker = await startBroker()
  const session = await Session.connect(broker)
  t.teardown(async () => {
    session.close()
    await broker.stop()
  })
  const topic = `produce-${Date.now()}-${++topics}`
  const settings = {
    'cleanup.policy': 'compact,delete',
    'max.message.bytes': String(MAX_BYTES),
    'message.timestamp.before.max.ms': String(HOUR_MS)
  }
  await session.createTopic(topic, 2, settings)
  for (let n = 0; n < 3; n++) await session.send(topic, 0, oneBatch())
  await session.deleteBefore(topic, 0, START)
  await session.offsetAt(topic, 1, -1)
  const ids = new Map(await session.topics().then((all) => all.map(([name, id]) => [name, id] as const)))
  const send = async (version: number, name: string, records: readonly Buffer[], acks = -1, transactionalId: string | null = null) => {
    const partitionData = records.map((each, index) => ({ index, records: each }))
    const named = version < 13 ? { name } : { name: '', topicId: ids.get(name) ?? 'AAAAAAAAAAAAAAAAAAAAAQ' }
    const body = { transactionalId, acks, timeoutMs: 10_000, topicData: [{ ...named, partitionData }] }
    const { responses } = await session.client.request(produce, version, body)
    return responses[0]!.partitionResponses.toSorted((a, b) => a.index - b.index)
  }
  return { session, topic, send }
}

test('in every version the first error counts that Kafka finds, and says as much', async (t) => {
  const { topic, send } = await setUp(t)
  for (let version = 3; version <= 13; version++) {
    const unknown = version < 13 ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID
    for (const [what, name, records, acks, errorCode, logStartOffset] of [
      ['CRC', topic, corrupt(oneBatch()), -1, ErrorCode.CORRUPT_MESSAGE, -1],
      ['CRC in an unknown topic', 'none', corrupt(oneBatch()), -1, unknown, -1],
      ['too large, CRC', topic, corrupt(large()), -1, ErrorCode.MESSAGE_TOO_LARGE, -1],
      ['too large, magic', topic, magic1(large()), -1, ErrorCode.INVALID_RECORD, -1],
      ['offset, too large, CRC', topic, at5(corrupt(large())), -1, ErrorCode.INVALID_RECORD, START],
      ['control', topic, control(oneBatch()), -1, ErrorCode.INVALID_RECORD, START],
      ['acks', topic, oneBatch(), 2, ErrorCode.INVALID_REQUIRED_ACKS, -1],
      ['acks, CRC, offset', topic, at5(corrupt(oneBatch())), 2, ErrorCode.INVALID_REQUIRED_ACKS, -1],
      ['acks, magic', topic, magic1(oneBatch()), 2, ErrorCode.INVALID_RECORD, -1],
      ['acks, unknown topic', 'none', oneBatch(), 2, unknown, -1],
      ['two batches', topic, Buffer.concat([oneBatch(), oneBatch()]), -1, ErrorCode.INVALID_RECORD, -1],
      ['20 zeros behind it', topic, Buffer.concat([oneBatch(), Buffer.alloc(20)]), -1, ErrorCode.CORRUPT_MESSAGE, -1],
      ['nothing', topic, Buffer.alloc(0), -1, ErrorCode.INVALID_RECORD, -1],
      ['the half', topic, oneBatch().subarray(0, 40), -1, ErrorCode.INVALID_RECORD, -1]
    ] as const) {
      const [answer] = await send(version, name, [records], acks)
      const { baseOffset, logAppendTimeMs, recordErrors } = answer!
      const said = { errorCode: answer!.errorCode, logStartOffset: answer!.logStartOffset, baseOffset, logAppendTimeMs, recordErrors }
      const start = version < 5 ? -1 : logStartOffset
      t.deepEqual(said, { errorCode, logStartOffset: start, baseOffset: -1, logAppendTimeMs: -1, recordErrors: [] }, `v${version} ${what}`)
    }
  }
  t.is((await send(12, topic, [oneBatch()]))[0]!.baseOffset, 3)
})

test('records that are refused are named, those that can not be read are not', async (t) => {
  const { topic, send } = await setUp(t)
  const [answer] = await send(8, topic, [longAgo()])
  t.is(answer!.errorCode, ErrorCode.INVALID_TIMESTAMP)
  t.is(answer!.logStartOffset, START)
  t.truthy(answer!.errorMessage)
  t.deepEqual(
    answer!.recordErrors.map(({ batchIndex }) => batchIndex),
    [0, 1]
  )
  const unreadable = changed(oneBatch(), (bytes) => {
    bytes[At.records]! ^= 2
    bytes.writeUInt32BE(computeCrc(bytes, 0), At.crc)
  })
  const [other] = await send(8, topic, [unreadable])
  t.deepEqual([other!.errorCode, other!.logStartOffset, other!.recordErrors], [ErrorCode.INVALID_RECORD, START, []])
})

test('what can be no batch, and transactions that are none, are errors of the whole request', async (t) => {
  const { session, topic, send } = await setUp(t)
  await session.coordinator('x', 1)
  const codes = async (...sent: Parameters<typeof send>) => (await send(...sent)).map(({ errorCode }) => errorCode)
  const short = changed(oneBatch(), (bytes) => bytes.writeInt32BE(5, At.batchLength))
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true }
  const inTransaction = oneBatch(undefined, producer)
  const ofAnother = oneBatch(undefined, { ...producer, producerId: 8 })
  t.deepEqual(await codes(12, topic, [oneBatch(), short]), [ErrorCode.CORRUPT_MESSAGE, ErrorCode.CORRUPT_MESSAGE])
  const unauthorized = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  t.deepEqual(await codes(12, topic, [oneBatch(), inTransaction]), [unauthorized, unauthorized])
  t.deepEqual(await codes(12, topic, [inTransaction, short], -1, 'x'), [ErrorCode.INVALID_PRODUCER_ID_MAPPING, ErrorCode.CORRUPT_MESSAGE])
  const mapping = ErrorCode.INVALID_PRODUCER_ID_MAPPING
  t.deepEqual(await codes(12, topic, [inTransaction, ofAnother], -1, 'x'), [mapping, mapping])
  t.deepEqual(await codes(12, topic, [oneBatch(), oneBatch()]), [0, 0])
})

test('no batch of a transaction is written before an earlier one that was refused', async (t) => {
  const { session, topic, send } = await setUp(t)
  const transactionalId = `tx-${topic}`
  await session.coordinator(transactionalId, 1)
  const open = () => settled(() => session.client.request(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 }))
  const { producerId, producerEpoch } = await open()
  const codeOf = async (version: number, index: 0 | 1, baseSequence: number, epoch = producerEpoch) => {
    const bytes = oneBatch(undefined, { producerId, producerEpoch: epoch, baseSequence, transactional: true })
    const partitions = index === 0 ? [bytes] : [Buffer.alloc(0), bytes]
    const answers = await send(version, topic, partitions, -1, transactionalId)
    return answers.find((answer) => answer.index === index)!.errorCode
  }
  t.is(await codeOf(11, 0, 0), ErrorCode.TRANSACTION_ABORTABLE, 'not part of the transaction yet')
  const added = await session.client.request(addPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: topic, partitions: [0] }]
  })
  t.is(added.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode, 0)
  t.is(await codeOf(11, 0, 3), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  t.is(await codeOf(11, 0, 0), 0)
  t.is(await codeOf(11, 0, 1), 0)
  t.is(await codeOf(12, 1, 3), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 'a transaction with an epoch of its own begins at 0')
  t.is(await codeOf(12, 1, 0), 0)
  const next = await open()
  t.is(await codeOf(12, 0, 2, next.producerEpoch - 1), ErrorCode.INVALID_PRODUCER_EPOCH)
})
