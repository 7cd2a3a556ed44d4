/** Transactions over a socket, as both kinds of clients use them, and what is refused. Runs against an Apache Kafka as well. */
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { writeTxnMarkers } from '../../src/protocol/messages/27-write-txn-markers.js'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.js'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.js'
import { buildBatch } from '../../src/record/index.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { Session } from '../takeover/session.js'
import { Producer, V1, V2, committed } from './producer.js'

const oursTest = foreignBroker ? test.skip : test
const { NONE, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, PRODUCER_FENCED, TRANSACTION_ABORTABLE } = ErrorCode
/** Of AddPartitionsToTxn before version 4. */
const UNUSED = { v3AndBelowTransactionalId: '', v3AndBelowProducerId: 0, v3AndBelowProducerEpoch: 0, v3AndBelowTopics: [] }
let broker: TestBroker

test.before(async () => {
  broker = await startBroker({
    settings: { 'transaction.state.log.num.partitions': '3', 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100' }
  })
})
test.after.always(() => broker.stop())

async function setUp(t: ExecutionContext): Promise<{ session: Session; topic: string; id: string }> {
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  const topic = uniqueName('transactions')
  await session.createTopic(topic, 2)
  return { session, topic, id: uniqueName('id') }
}

for (const [name, versions] of [
  ['before KIP-890', V1],
  ['with KIP-890', V2]
] as const) {
  test(`committed records are seen together, aborted ones never, ${name}`, async (t) => {
    const { session, topic, id } = await setUp(t)
    const producer = new Producer(session, id, versions)
    t.is(await producer.init(), NONE)
    t.is(await producer.send(topic, 0, 'a'), NONE)
    t.is(await producer.send(topic, 1, 'b'), NONE)
    t.deepEqual(await committed(session, topic, 0), [])
    const { transactionState, topics, producerEpoch } = await producer.describe()
    t.is(transactionState, 'Ongoing')
    t.deepEqual(topics[0]?.partitions.toSorted(), [0, 1])
    const before = producer.epoch
    t.is(producerEpoch, before)
    t.is(await producer.end(true), NONE)
    t.is(producer.epoch, versions.rises ? before + 1 : before)
    t.is(await producer.completed(), 'CompleteCommit')
    t.deepEqual(await committed(session, topic, 0), ['a'])
    t.deepEqual(await committed(session, topic, 1), ['b'])
    // The next transactions follow at once.
    for (let n = 0; n < 10; n++) {
      t.is(await producer.send(topic, 0, `${n}`), NONE)
      t.is(await producer.end(n % 2 === 0), NONE)
    }
    t.is(await producer.completed(), 'CompleteAbort')
    t.deepEqual(await committed(session, topic, 0), ['a', '0', '2', '4', '6', '8'])
  })

  test(`a successor aborts what its predecessor left open, and fences it, ${name}`, async (t) => {
    const { session, topic, id } = await setUp(t)
    const [old, young] = [new Producer(session, id, versions), new Producer(session, id, versions)]
    await old.init()
    await old.send(topic, 0, 'old')
    t.is(await young.init(), NONE)
    t.is(young.producerId, old.producerId)
    t.is(young.epoch, old.epoch + 2)
    t.is(await old.send(topic, 0, 'older', { add: false }), INVALID_PRODUCER_EPOCH)
    t.is(await old.add(topic, 0), PRODUCER_FENCED)
    t.is(await old.add(topic, 0, 1), INVALID_PRODUCER_EPOCH)
    t.is(await old.end(true, 3), PRODUCER_FENCED)
    t.is(await old.end(true, 1), INVALID_PRODUCER_EPOCH)
    await young.send(topic, 0, 'young')
    await young.end(true)
    await young.completed()
    t.deepEqual(await committed(session, topic, 0), ['young'])
  })

  test(`offsets of a group count when the transaction is committed, ${name}`, async (t) => {
    const { session, topic, id } = await setUp(t)
    const { client } = session
    const groupId = uniqueName('group')
    await session.coordinator(groupId, 0)
    const producer = new Producer(session, id, versions)
    await producer.init()
    const commit = async (offset: number): Promise<number> => {
      const { producerId, epoch: producerEpoch } = producer
      if (!versions.rises) {
        const { errorCode } = await client.request(addOffsetsToTxn, 3, { transactionalId: id, producerId, producerEpoch, groupId })
        if (errorCode !== NONE) return errorCode
      }
      const partitions = [{ partitionIndex: 1, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: 'm' }]
      const body = { transactionalId: id, groupId, producerId, producerEpoch, topics: [{ name: topic, partitions }] }
      const { topics } = await client.request(txnOffsetCommit, versions.rises ? 5 : 3, body)
      return topics[0]!.partitions[0]!.errorCode
    }
    const fetched = async (requireStable = true) => {
      const { topics } = await client.request(offsetFetch, 7, { groupId, topics: [{ name: topic, partitionIndexes: [1] }], requireStable })
      return topics[0]!.partitions[0]!
    }
    t.is(await commit(5), NONE)
    t.is((await fetched()).errorCode, ErrorCode.UNSTABLE_OFFSET_COMMIT)
    t.is((await fetched(false)).committedOffset, -1)
    await producer.end(true)
    await producer.completed()
    t.is((await fetched()).committedOffset, 5)
    t.is(await commit(9), NONE)
    await producer.end(false)
    await producer.completed()
    t.is((await fetched()).committedOffset, 5)
    t.is((await fetched()).errorCode, NONE)
  })
}

test('what is not part of a transaction is not written (KIP-890)', async (t) => {
  const { session, topic, id } = await setUp(t)
  const producer = new Producer(session, id, V1)
  await producer.init()
  t.is(await producer.send(topic, 0, 'not added', { add: false }), INVALID_TXN_STATE, 'older clients do not know the other error')
  t.is(await producer.send(topic, 0, 'not added', { add: false, version: 11 }), TRANSACTION_ABORTABLE)
  t.is(await producer.send(topic, 0, 'a'), NONE)
  t.is(await producer.send(topic, 1, 'not added', { add: false, version: 11 }), TRANSACTION_ABORTABLE)
  t.is(await producer.end(true), NONE)
  await producer.completed()
  t.is(await producer.send(topic, 0, 'late', { add: false, version: 11 }), TRANSACTION_ABORTABLE)
  t.deepEqual(await committed(session, topic, 0), ['a'])
  const { producerId, epoch: producerEpoch } = producer
  const records = buildBatch([{ value: Buffer.from('v') }], {
    timestamp: Date.now(),
    producerId,
    producerEpoch,
    baseSequence: 1,
    transactional: true
  })
  const body = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
  const { responses } = await session.client.request(produce, 12, body)
  t.is(responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
})

test('ends that are asked for again, or wrongly (transaction version 2)', async (t) => {
  const { session, topic, id } = await setUp(t)
  const producer = new Producer(session, id)
  await producer.init()
  t.is(await producer.end(true), INVALID_TXN_STATE)
  await producer.send(topic, 0, 'a')
  const { producerId, epoch } = producer
  t.is(await producer.end(true), NONE)
  await producer.completed()
  const again = (committedAgain: boolean, producerEpoch = epoch) => {
    producer.become({ producerId, producerEpoch })
    return producer.end(committedAgain)
  }
  t.is(await again(true), NONE)
  t.is(producer.epoch, epoch + 1)
  t.is(await again(false), INVALID_TXN_STATE)
  t.is(await again(true, epoch + 2), PRODUCER_FENCED)
  t.is(await again(false, epoch + 1), NONE)
  t.is(producer.epoch, epoch + 2)
  producer.become({ producerId: producerId + 1_000_000, producerEpoch: 0 })
  t.is(await producer.end(true), ErrorCode.INVALID_PRODUCER_ID_MAPPING)
})

test('a transaction that lasts too long is aborted', async (t) => {
  const { session, topic, id } = await setUp(t)
  const [first, second] = [new Producer(session, id, V1), new Producer(session, `${id}-2`)]
  const timesOut = async (producer: Producer) => {
    await producer.init(1000)
    t.is(await producer.send(topic, 0, 'slow'), NONE)
    t.is(await producer.completed(), 'CompleteAbort')
    const { epoch } = producer
    t.is((await producer.describe()).producerEpoch, epoch + 1)
    t.is(await producer.send(topic, 0, 'late', { add: false }), INVALID_PRODUCER_EPOCH)
  }
  await Promise.all([first, second].map(timesOut))
  t.is(await first.end(true), PRODUCER_FENCED)
  t.is(await second.end(true), INVALID_TXN_STATE)
  t.is(await second.end(false), NONE)
  t.deepEqual(await committed(session, topic, 0), [])
  t.is(await session.offsetAt(topic, 0, -1, 1).then(({ offset }) => offset), 4)
  t.is(await first.init(0), ErrorCode.INVALID_TRANSACTION_TIMEOUT)
  t.is(await first.init(900_001), ErrorCode.INVALID_TRANSACTION_TIMEOUT)
})

test('several transactions in one request, or only a check, as brokers ask', async (t) => {
  const { session, topic, id } = await setUp(t)
  const producer = new Producer(session, id)
  await producer.init()
  const { producerId, epoch: producerEpoch } = producer
  const ask = async (verifyOnly: boolean, partitions: number[]) => {
    const one = { transactionalId: id, producerId, producerEpoch, verifyOnly, topics: [{ name: topic, partitions }] }
    const other = { ...one, producerId: producerId + 1_000_000 }
    const { errorCode, resultsByTransaction } = await session.client.request(addPartitionsToTxn, 5, {
      transactions: [one, other],
      ...UNUSED
    })
    t.is(errorCode, NONE)
    return resultsByTransaction.map(({ topicResults }) =>
      topicResults[0]!.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)
    )
  }
  const { INVALID_PRODUCER_ID_MAPPING: WRONG, OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode
  // One transactional id cannot be in a request of Kafka twice.
  if (!foreignBroker) {
    t.deepEqual(await ask(true, [0]), [[TRANSACTION_ABORTABLE], [WRONG]])
    t.deepEqual(await ask(false, [0]), [[NONE], [WRONG]])
    t.deepEqual(await ask(true, [0, 1]), [
      [NONE, TRANSACTION_ABORTABLE],
      [WRONG, WRONG]
    ])
    t.deepEqual((await ask(false, [1, 7]))[0], [OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION])
  }
  t.is(await producer.end(false), NONE)
})

oursTest('an administrator ends a transaction that hangs', async (t) => {
  const { session, topic } = await setUp(t)
  const { client } = session
  const off = await startBroker({ settings: { 'transaction.partition.verification.enable': 'false' } })
  t.teardown(() => off.stop())
  const other = await Session.connect(off)
  t.teardown(() => other.close())
  await other.createTopic(topic, 1)
  const producer = new Producer(other, uniqueName('id'), V1)
  // Twice, so that there is an epoch of before.
  await producer.init()
  await producer.init()
  // Never added: no coordinator ends it.
  t.is(await producer.send(topic, 0, 'hangs', { add: false }), NONE)
  const described = async () => {
    const { topics } = await other.client.request(describeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0] }] })
    return topics[0]!.partitions[0]!.activeProducers[0]!
  }
  const { producerId, producerEpoch, currentTxnStartOffset, lastSequence, coordinatorEpoch } = await described()
  t.deepEqual(
    { producerId, producerEpoch, currentTxnStartOffset, lastSequence, coordinatorEpoch },
    { producerId: producer.producerId, producerEpoch: producer.epoch, currentTxnStartOffset: 0, lastSequence: 0, coordinatorEpoch: -1 }
  )
  const marker = { producerId, producerEpoch, transactionResult: false, topics: [{ name: topic, partitionIndexes: [0] }], coordinatorEpoch }
  const old = { ...marker, producerEpoch: producerEpoch - 1 }
  const unknown = { ...marker, topics: [{ name: 'unknown', partitionIndexes: [0] }] }
  const { markers } = await other.client.request(writeTxnMarkers, 1, { markers: [old, unknown, marker] })
  t.deepEqual(
    markers.map(({ topics }) => topics[0]!.partitions[0]!.errorCode),
    [INVALID_PRODUCER_EPOCH, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, NONE]
  )
  t.is((await described()).currentTxnStartOffset, -1)
  t.deepEqual(await committed(other, topic, 0), [])
  t.false(client.closed)
})
