/** Fetch: leader epochs in it. The same of Apache Kafka. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { buildBatch } from '../../src/record/index.js'
import { startBroker } from '../support/broker.js'
import { Session } from '../takeover/session.js'

test('a reader behind the end is told where its epoch ends, if it names one', async (t) => {
  const broker = await startBroker()
  const session = await Session.connect(broker)
  t.teardown(async () => {
    session.close()
    await broker.stop()
  })
  const topic = `fetch-${Date.now()}`
  await session.createTopic(topic, 1)
  await session.send(topic, 0, buildBatch([{ value: Buffer.from('v'), timestamp: Date.now() }]))
  const ask = async (fetchOffset: number, lastFetchedEpoch: number, currentLeaderEpoch = -1) => {
    const partitions = [{ partition: 0, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, partitionMaxBytes: 1000 }]
    const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] }
    const { errorCode, divergingEpoch, records } = (await session.client.request(fetch, 12, body)).responses[0]!.partitions[0]!
    return [errorCode, divergingEpoch.endOffset, (records?.length ?? 0) > 0]
  }
  t.deepEqual(await ask(0, 0), [ErrorCode.NONE, -1, true])
  t.deepEqual(await ask(5, 0), [ErrorCode.NONE, 1, false])
  t.deepEqual(await ask(0, 3), [ErrorCode.OFFSET_OUT_OF_RANGE, -1, false], 'an epoch that was never')
  t.deepEqual(await ask(5, -1), [ErrorCode.OFFSET_OUT_OF_RANGE, -1, false])
  t.deepEqual(await ask(-1, 0), [ErrorCode.OFFSET_OUT_OF_RANGE, -1, false])
  t.deepEqual(await ask(0, -1, -2), [ErrorCode.NONE, -1, true], 'below 0 is none')
  t.deepEqual(await ask(0, -1, 7), [ErrorCode.UNKNOWN_LEADER_EPOCH, -1, false])
})
