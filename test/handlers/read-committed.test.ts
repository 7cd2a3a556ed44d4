/** Readers of committed records: what Fetch and ListOffsets say of transactions, and what real clients make of it. */
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import test, { type ExecutionContext } from 'ava'
import { Broker } from '../../src/index.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { batch, buildBatch, endTransactionBatch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { appendBytes, append, startEngine, temporaryFolder, values, type Engine } from '../storage/support.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { RawClient } from '../support/raw-client.js'
import { fetchBody } from '../support/traffic.js'

const COMMITTED = 1
const TOPIC = 'orders'
const NOW = 1_700_000_000_000

/** `committed` records stay, `aborted` go, `open` is not decided: the values say so. */
async function fill(engine: Engine, log: Log): Promise<{ stable: number; end: number }> {
  const send = (producerId: number, value: string) =>
    appendBytes(
      engine,
      log,
      buildBatch([{ value: Buffer.from(value) }], {
        timestamp: NOW + log.nextOffset,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        transactional: true
      }),
      'coordinator'
    )
  const end = (producerId: number, commit: boolean) =>
    appendBytes(
      engine,
      log,
      endTransactionBatch({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp: NOW + log.nextOffset }),
      'coordinator'
    )
  for (let round = 0; round < 20; round++) {
    await send(1, `aborted-${round}-a`)
    await send(2, `committed-${round}-a`)
    await append(engine, log, values(1, `plain-${round}-`), { timestamp: NOW + log.nextOffset })
    await send(1, `aborted-${round}-b`)
    await end(1, false)
    await end(2, true)
    if (round % 7 === 3) log.roll()
  }
  const stable = log.endOffset
  await send(3, 'open')
  await append(engine, log, values(1, 'behind-'), { timestamp: NOW + log.nextOffset })
  await send(1, 'aborted-later')
  await end(1, false)
  return { stable, end: log.endOffset }
}

/** A broker on a folder that holds transactions: clients can't write them yet. */
async function started(t: ExecutionContext) {
  const dir = path.join(await temporaryFolder(t), 'data')
  const settings = { 'log.retention.ms': '-1', 'offsets.topic.num.partitions': '1', 'group.initial.rebalance.delay.ms': '0' }
  const first = await Broker.start({ dir, topics: { [TOPIC]: 1 }, settings })
  const { nodeId } = first.status()
  await first.stop()
  const topic = { 'index.interval.bytes': '100', 'retention.ms': '-1' }
  const engine = await startEngine(t, { dir, topic, more: { nodeId } })
  const log = (await engine.manager.whenReady(TOPIC, 0))!
  const { stable, end } = await fill(engine, log)
  const aborted = await log.abortedTransactions(0, stable)
  await engine.stop()
  const broker = await Broker.start({ dir, settings })
  t.teardown(() => broker.stop())
  const client = await RawClient.connect({ host: broker.host, port: broker.port })
  t.teardown(() => client.close())
  // Partitions serve when they are open, a moment after the broker does.
  for (;;) {
    const [answer] = (await client.request(fetch, 12, fetchBody(TOPIC, 0, 1))).responses[0]!.partitions
    if (answer!.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) break
    await delay(10)
  }
  return { broker, client, stable, end, aborted }
}

test('Fetch tells what was aborted in what it gives, and ends at the last stable offset', async (t) => {
  const { client, stable, end, aborted } = await started(t)
  t.is(aborted.length, 20)
  let next = 0
  while (next < stable) {
    const body = { ...fetchBody(TOPIC, next, 700), isolationLevel: COMMITTED }
    const [answer] = (await client.request(fetch, 12, body)).responses[0]!.partitions
    t.is(answer!.errorCode, 0)
    t.is(answer!.lastStableOffset, stable)
    t.is(answer!.highWatermark, end)
    const bytes = Buffer.from(answer!.records!)
    const from = batch.baseOffset(bytes, 0)
    let last = from
    for (
      let at = 0;
      at + batch.BATCH_OVERHEAD <= bytes.length && at + batch.sizeInBytes(bytes, at) <= bytes.length;
      at += batch.sizeInBytes(bytes, at)
    ) {
      last = batch.lastOffset(bytes, at)
    }
    const told = answer!.abortedTransactions!
    const within = aborted.filter((one) => one.lastOffset >= next && one.firstOffset <= last)
    t.deepEqual(
      told.slice(0, within.length),
      within.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })),
      `from ${next}`
    )
    t.true(told.length <= within.length + 2, `${told.length} told, ${within.length} within [${next}, ${last}]`)
    next = last + 1
  }
  t.is(next, stable)
  const [atEnd] = (await client.request(fetch, 12, { ...fetchBody(TOPIC, stable, 700), isolationLevel: COMMITTED })).responses[0]!
    .partitions
  t.deepEqual(atEnd!.abortedTransactions, [])
  t.is(Buffer.from(atEnd!.records!).length, 0)
  const [plain] = (await client.request(fetch, 12, fetchBody(TOPIC, stable, 700))).responses[0]!.partitions
  t.is(plain!.abortedTransactions, null)
  t.true(Buffer.from(plain!.records!).length > 0)
})

test('ListOffsets is bounded by the last stable offset for readers of committed records', async (t) => {
  const { client, stable, end } = await started(t)
  const ask = async (timestamp: number, isolationLevel: number) => {
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }]
    const [answer] = (await client.request(listOffsets, 7, { replicaId: -1, isolationLevel, topics })).topics[0]!.partitions
    t.is(answer!.errorCode, 0)
    return [answer!.offset, answer!.timestamp]
  }
  t.deepEqual(await ask(-1, 0), [end, -1])
  t.deepEqual(await ask(-1, COMMITTED), [stable, -1])
  t.deepEqual(await ask(-2, COMMITTED), [0, -1])
  // Markers count, as in Kafka: the largest timestamp is that of the last one.
  t.deepEqual(await ask(-3, 0), [end - 1, NOW + end - 1])
  t.deepEqual(await ask(-3, COMMITTED), [-1, -1], 'behind the last stable offset')
  t.deepEqual(await ask(NOW + stable - 1, COMMITTED), [stable - 1, NOW + stable - 1])
  t.deepEqual(await ask(NOW + stable, COMMITTED), [-1, -1])
  t.deepEqual(await ask(NOW + stable, 0), [stable, NOW + stable])
})

test('kafkajs leaves out what was aborted', async (t) => {
  const { broker } = await started(t)
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'committed', maxWaitTimeInMs: 200 })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  const seen: string[] = []
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      if (seen.push(String(message.value)) === 40) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  t.deepEqual(
    seen.toSorted(),
    Array.from({ length: 20 }, (_, round) => [`committed-${round}-a`, `plain-${round}-0`])
      .flat()
      .toSorted()
  )
})

const testWithTools = haveTools ? test : test.skip
testWithTools("Apache Kafka's consumer leaves out what was aborted", async (t) => {
  const { broker } = await started(t)
  const args = ['--bootstrap-server', broker.bootstrap, '--topic', TOPIC, '--from-beginning', '--isolation-level', 'read_committed']
  const { stdout } = await runTool('console-consumer', [...args, '--max-messages', '40', '--timeout-ms', '20000'])
  const seen = stdout.split('\n').filter((line) => line !== '')
  t.is(seen.length, 40)
  t.deepEqual(
    seen.filter((line) => /aborted|open|behind/.test(line)),
    []
  )
})
