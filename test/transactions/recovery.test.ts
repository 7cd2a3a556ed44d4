/**
 * A broker that was killed while transactions ended: whatever was decided is carried out by the next one. The points of the kill are made in the
 * folder, record by record, so that each is met.
 */
import path from 'node:path'
import test from 'ava'
import { Broker } from '../../src/index.js'
import { partitionFor } from '../../src/coordinator/partition-for.js'
import { transactionCodec } from '../../src/coordinator/transaction/transaction-codec.js'
import { TRANSACTION_TOPIC } from '../../src/coordinator/transaction/transaction-coordinator.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.js'
import { buildBatch, endTransactionBatch } from '../../src/record/index.js'
import { appendBytes, startEngine, temporaryFolder, type Engine } from '../storage/support.js'
import { settled, Session } from '../takeover/session.js'
import { Producer, V1, V2, committed } from './producer.js'

const TOPIC = 't'
const GROUP = 'g'
const PARTITIONS = 3
const settings = { 'transaction.state.log.num.partitions': '3', 'offsets.topic.num.partitions': '1', 'log.retention.ms': '-1' }

interface Ending {
  readonly id: string
  readonly commit: boolean
  readonly rises: boolean
  /** How many of the three markers were written. */
  readonly markers: number
}

const endings: Ending[] = [V1, V2].flatMap(({ rises }) =>
  [true, false].flatMap((commit) =>
    [0, 1, 2, 3].map((markers) => ({ id: `${rises ? 'v2' : 'v1'}-${commit ? 'commit' : 'abort'}-${markers}`, commit, rises, markers }))
  )
)

const indexOf = ({ id }: Ending): number => endings.findIndex((one) => one.id === id)

async function commitOffset(session: Session, { id, producerId, epoch: producerEpoch }: Producer, partitionIndex: number): Promise<void> {
  await session.client.request(addOffsetsToTxn, 3, { transactionalId: id, producerId, producerEpoch, groupId: GROUP })
  const partitions = [{ partitionIndex, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: '' }]
  const body = { transactionalId: id, groupId: GROUP, producerId, producerEpoch, topics: [{ name: 'offsets', partitions }] }
  await session.client.request(txnOffsetCommit, 3, body)
}

/** Writes what a broker would have written of the end, up to the kill. */
async function goOn(engine: Engine, { id, commit, rises, markers }: Ending, producerId: number, epoch: number): Promise<void> {
  const log = (await engine.manager.whenReady(TRANSACTION_TOPIC, partitionFor(id, PARTITIONS)))!
  const now = engine.clock.now()
  const producerEpoch = rises ? epoch + 1 : epoch
  const value = {
    state: commit ? ('PrepareCommit' as const) : ('PrepareAbort' as const),
    producerId,
    previousProducerId: producerId,
    nextProducerId: -1,
    producerEpoch,
    lastProducerEpoch: -1,
    timeoutMs: 60_000,
    partitions: new Map([
      [TOPIC, [0, 1]],
      ['__consumer_offsets', [0]]
    ]),
    startMs: now,
    lastUpdateMs: now,
    clientVersion: rises ? 2 : 0
  }
  const record = transactionCodec(() => 2).encode({ transactionalId: id, value })
  await appendBytes(engine, log, buildBatch([record], { timestamp: now }), 'coordinator')
  const places = [
    ['__consumer_offsets', 0],
    [TOPIC, 0],
    [TOPIC, 1]
  ] as const
  for (const [topic, index] of places.slice(0, markers)) {
    const marker = endTransactionBatch({ producerId, producerEpoch, commit, coordinatorEpoch: 0, timestamp: now })
    await appendBytes(engine, (await engine.manager.whenReady(topic, index))!, marker, 'coordinator')
  }
}

test('what was decided before a kill is done after it, in every partition', async (t) => {
  const dir = path.join(await temporaryFolder(t), 'data')
  const before = await Broker.start({ dir, topics: { [TOPIC]: 2, offsets: endings.length }, settings })
  const { nodeId } = before.status()
  const session = await Session.connect(before)
  await session.coordinator(GROUP, 0)
  const producers: Producer[] = []
  for (const ending of endings) {
    const producer = new Producer(session, ending.id, V1)
    await producer.init()
    for (const index of [0, 1]) t.is(await producer.send(TOPIC, index, ending.id), 0)
    await commitOffset(session, producer, indexOf(ending))
    producers.push(producer)
  }
  session.close()
  await before.stop()
  const engine = await startEngine(t, { dir, more: { nodeId } })
  for (const [at, ending] of endings.entries()) await goOn(engine, ending, producers[at]!.producerId, producers[at]!.epoch)
  await engine.stop()

  const after = await Broker.start({ dir, settings })
  t.teardown(() => after.stop())
  const again = await Session.connect(after)
  t.teardown(() => again.close())
  const expected = endings.filter(({ commit }) => commit).map(({ id }) => id)
  for (const ending of endings) {
    const producer = new Producer(again, ending.id, ending.rises ? V2 : V1)
    await again.coordinator(ending.id, 1)
    t.is(await producer.completed(), ending.commit ? 'CompleteCommit' : 'CompleteAbort', ending.id)
  }
  for (const index of [0, 1]) t.deepEqual(await committed(again, TOPIC, index), expected)
  const { topics } = await settled(() => again.client.request(offsetFetch, 7, { groupId: GROUP, topics: null, requireStable: true }))
  t.deepEqual(
    topics[0]!.partitions.map(({ partitionIndex, errorCode }) => [endings[partitionIndex]!.id, errorCode]).toSorted(),
    expected.map((id) => [id, 0]).toSorted()
  )
  // The producers go on.
  const producer = new Producer(again, endings[0]!.id)
  t.is(await producer.init(), 0)
  t.is(await producer.send(TOPIC, 0, 'next'), 0)
  t.is(await producer.end(true), 0)
  await producer.completed()
  t.deepEqual(await committed(again, TOPIC, 0), [...expected, 'next'])
})
