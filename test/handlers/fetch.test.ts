/** Fetch: leader epochs and limits in it. The same of Apache Kafka. */
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { frameAt } from '../../src/record/batch.js'
import { buildBatch } from '../../src/record/index.js'
import { startBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { Session } from '../takeover/session.js'

async function setUp(t: ExecutionContext, partitions: number) {
  const broker = await startBroker()
  const session = await Session.connect(broker)
  t.teardown(async () => {
    session.close()
    await broker.stop()
  })
  const topic = uniqueName('fetch')
  await session.createTopic(topic, partitions)
  return { session, topic }
}

test('a reader behind the end is told where its epoch ends, if it names one', async (t) => {
  const { session, topic } = await setUp(t, 1)
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

test('behind the first partition that gives records no batch is cut: it is whole, or left for the next fetch', async (t) => {
  const { session, topic } = await setUp(t, 3)
  const sizes: number[] = []
  for (const [index, valueBytes] of [500, 500, 50].entries()) {
    const records = buildBatch([{ value: Buffer.alloc(valueBytes), timestamp: Date.now() }])
    await session.send(topic, index, records)
    await session.send(topic, index, records)
    sizes.push(records.length)
  }
  const [large, , small] = sizes as [number, number, number]
  const ask = async (maxBytes: number, partitionMaxBytes = maxBytes) => {
    const partitions = [0, 1, 2].map((partition) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      partitionMaxBytes
    }))
    const { responses } = await session.client.request(fetch, 12, { maxWaitMs: 0, minBytes: 0, maxBytes, topics: [{ topic, partitions }] })
    return responses[0]!.partitions
      .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ records }) => wholeBytes(records ?? Buffer.alloc(0)) || 0)
  }
  t.deepEqual(await ask(10_000), [2 * large, 2 * large, 2 * small])
  t.deepEqual(await ask(10), [large, 0, 0], 'the first one is whole, however large')
  t.deepEqual(await ask(10_000, 200), [large, 0, small])
  t.deepEqual(await ask(2 * large + 200), [2 * large, 0, small])
  t.deepEqual(await ask(3 * large + 200), [2 * large, large, 0])
})

/** Of the whole batches. Bytes that hold none are what a Java consumer gives up at. */
function wholeBytes(records: Uint8Array): number {
  const buffer = Buffer.from(records)
  let end = 0
  for (let size = frameAt(buffer, end, buffer.length); typeof size === 'number'; size = frameAt(buffer, end, buffer.length)) end += size
  return end === 0 ? -buffer.length : end
}
