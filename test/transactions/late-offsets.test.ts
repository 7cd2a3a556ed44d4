/** Offsets of a transaction that are still on their way when it ends: the marker comes behind them, however much else is to be written. */
import path from 'node:path'
import test from 'ava'
import { Broker } from '../../src/index.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.js'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.js'
import { tempDir } from '../support/temp-dir.js'
import { Session, settled } from '../takeover/session.js'
import { Producer, V1 } from './producer.js'

const PRODUCERS = 40
const ROUNDS = 3
const GROUP = 'group'
const TOPIC = 'late'

/** Producers with an open transaction in the one partition of the offsets. */
async function openProducers(session: Session): Promise<Producer[]> {
  const producers: Producer[] = []
  for (let n = 0; n < PRODUCERS; n++) {
    const producer = new Producer(session, `id-${n}`, V1)
    await producer.init()
    producers.push(producer)
  }
  return producers
}

/** What a transaction has left open in the partition of the offsets, and whether the offset of the group can be read. */
async function leftOpen(session: Session): Promise<unknown> {
  await session.coordinator(GROUP, 0)
  const asked = [{ name: '__consumer_offsets', partitionIndexes: [0] }]
  const { topics } = await session.client.request(describeProducers, 0, { topics: asked })
  const open = topics[0]!.partitions[0]!.activeProducers.filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
  const body = { groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }], requireStable: true }
  const offsets = await settled(() => session.client.request(offsetFetch, 7, body))
  const { errorCode, committedOffset } = offsets.topics[0]!.partitions[0]!
  const [stable, end] = [await session.offsetAt('__consumer_offsets', 0, -1, 1), await session.offsetAt('__consumer_offsets', 0, -1, 0)]
  return { open: open.length, errorCode, committedOffset, unstable: end.offset - stable.offset }
}

for (const codec of ['0', '1'])
  test(`offsets that are committed while their transaction is aborted are in front of its marker, codec ${codec}`, async (t) => {
    const dir = path.join(await tempDir(t), 'data')
    const settings = {
      'offsets.topic.compression.codec': codec,
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.num.partitions': '1'
    }
    const broker = await Broker.start({ port: 0, dir, topics: { [TOPIC]: 1 }, settings })
    const session = await Session.connect(broker)
    t.teardown(() => session.close())
    await session.coordinator(GROUP, 0)
    const producers = await openProducers(session)
    const sessions = await Promise.all(producers.flatMap(() => [Session.connect(broker), Session.connect(broker)]))
    t.teardown(() => sessions.forEach((each) => each.close()))
    for (let round = 0; round < ROUNDS; round++) {
      for (const { id, producerId, epoch } of producers) {
        const body = { transactionalId: id, producerId, producerEpoch: epoch, groupId: GROUP }
        t.is((await settled(() => session.client.request(addOffsetsToTxn, 3, body))).errorCode, ErrorCode.NONE)
      }
      // As of clients that have lost their patience: the end is asked for while most of the offsets have no answer yet.
      const offsets = producers.map(({ id: transactionalId, producerId, epoch: producerEpoch }, at) => {
        const partitions = [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: '' }]
        const topics = [{ name: TOPIC, partitions }]
        return sessions[2 * at]!.client.request(txnOffsetCommit, 3, { transactionalId, producerId, producerEpoch, groupId: GROUP, topics })
      })
      await Promise.race(offsets)
      const ends = producers.map(({ id: transactionalId, producerId, epoch: producerEpoch }, at) =>
        sessions[2 * at + 1]!.client.request(endTxn, 3, { transactionalId, producerId, producerEpoch, committed: false })
      )
      for (const { errorCode } of await Promise.all(ends)) t.is(errorCode, ErrorCode.NONE)
      const stored = (await Promise.all(offsets)).filter(({ topics }) => topics[0]!.partitions[0]!.errorCode === ErrorCode.NONE)
      t.true(stored.length > 0)
      for (const producer of producers) await producer.completed()
      t.deepEqual(await leftOpen(session), { open: 0, errorCode: ErrorCode.NONE, committedOffset: -1, unstable: 0 }, `round ${round}`)
    }
    await broker.stop()
    const again = await Broker.start({ port: 0, dir, settings })
    t.teardown(() => again.stop())
    const after = await Session.connect(again)
    t.teardown(() => after.close())
    t.deepEqual(await leftOpen(after), { open: 0, errorCode: ErrorCode.NONE, committedOffset: -1, unstable: 0 })
  })
