/** Fetch sessions over a socket: what a reader is told when it has waited. The same of Apache Kafka. */
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { buildBatch } from '../../src/record/index.js'
import { startBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { RawClient } from '../support/raw-client.js'
import { fetchBody } from '../support/traffic.js'
import { Session } from '../takeover/session.js'

const MAX_BYTES = 1 << 20
const LONG_MS = 30_000

async function setUp(t: ExecutionContext, partitions = 1) {
  const broker = await startBroker()
  const session = await Session.connect(broker)
  const reader = await RawClient.connect(broker)
  t.teardown(async () => {
    reader.close()
    session.close()
    await broker.stop()
  })
  const topic = uniqueName('sessions')
  await session.createTopic(topic, partitions)
  const send = (value: string, partition = 0) =>
    session.send(topic, partition, buildBatch([{ value: Buffer.from(value), timestamp: Date.now() }]))
  return { reader, topic, send }
}

test('a fetch of a session that waits is answered with what it waited for', async (t) => {
  const { reader, topic, send } = await setUp(t)
  await send('before')
  const wait = { maxWaitMs: LONG_MS, minBytes: 1 }
  const told = async (body: object) => {
    const { sessionId, errorCode, responses } = await reader.request(fetch, 12, { ...fetchBody(topic, 1, MAX_BYTES), ...wait, ...body })
    t.is(errorCode, ErrorCode.NONE)
    return { sessionId, sizes: responses.flatMap(({ partitions }) => partitions.map(({ records }) => records?.length ?? 0)) }
  }
  const begun = told({ sessionEpoch: 0 })
  await send('first')
  const { sessionId, sizes } = await begun
  t.true(sessionId > 0)
  t.deepEqual(sizes.length, 1)
  t.true(sizes[0]! > 0)

  const going = told({ sessionId, sessionEpoch: 1, topics: fetchBody(topic, 2, MAX_BYTES).topics })
  await send('second')
  t.true((await going).sizes[0]! > 0)
})

test('a fetch that begins a session and waits in vain names its partitions', async (t) => {
  const { reader, topic } = await setUp(t)
  const body = { ...fetchBody(topic, 0, MAX_BYTES), sessionEpoch: 0, maxWaitMs: 10, minBytes: 1 }
  const { sessionId, responses } = await reader.request(fetch, 12, body)
  t.true(sessionId > 0)
  t.deepEqual(
    responses.map(({ partitions }) => partitions.map(({ errorCode, highWatermark }) => [errorCode, highWatermark])),
    [[[ErrorCode.NONE, 0]]]
  )
})

test('no partition of a session starves where a batch of only one fits into an answer', async (t) => {
  const { reader, topic, send } = await setUp(t, 2)
  const large = 'x'.repeat(500)
  for (const partition of [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]) await send(large, partition)
  // Of a batch and a part of another.
  const maxBytes = 1000
  const offsets = [0, 0]
  const places = (partitions: readonly number[]) =>
    partitions.map((partition) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: offsets[partition]!,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 600
    }))
  const given: number[] = []
  let sessionId = 0
  let asked = [0, 1]
  for (let sessionEpoch = 0; sessionEpoch < 8; sessionEpoch++) {
    const topics = asked.length === 0 ? [] : [{ topic, partitions: places(asked) }]
    const answer = await reader.request(fetch, 12, { maxWaitMs: 0, minBytes: 1, maxBytes, sessionId, sessionEpoch, topics })
    sessionId = answer.sessionId
    asked = answer.responses.flatMap(({ partitions }) =>
      partitions.filter(({ records }) => (records?.length ?? 0) > 0).map(({ partitionIndex }) => partitionIndex)
    )
    given.push(...asked)
    for (const partition of asked) offsets[partition]!++
  }
  t.is(given.length, 8)
  t.is(offsets[1], 3, given.join())
})
