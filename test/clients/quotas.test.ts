/** Real clients over their quotas: everything arrives, at about the rate that they are allowed. Each has a client id, and a quota, of its own. */
import test, { type ExecutionContext } from 'ava'
import kafkajs from 'kafkajs'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { RawClient } from '../support/raw-client.js'

const { Kafka, logLevel } = kafkajs
const oursTest = foreignBroker ? test.skip : test
const toolTest = haveTools ? oursTest : test.skip
/** Two of three windows pass at once, the rest takes its time. */
const SETTINGS = { 'quota.window.num': '3' }
const RATE = 250_000
const RECORDS = 14
const RECORD_BYTES = 50_000
/** 700,000 bytes are 200,000 more than pass at once. */
const LEAST_MS = 400

let broker: TestBroker
test.before(async () => {
  broker = await startBroker({ settings: SETTINGS })
})
test.after.always(() => broker.stop())

async function limit(clientId: string, limits: Readonly<Record<string, number>>): Promise<void> {
  const client = await RawClient.connect(broker)
  const ops = Object.entries(limits).map(([key, value]) => ({ key, value, remove: false }))
  const entity = [{ entityType: 'client-id', entityName: clientId }]
  await client.request(alterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false })
  client.close()
}

async function kafka(t: ExecutionContext, clientId: string) {
  const made = new Kafka({ brokers: [broker.bootstrap], clientId, logLevel: logLevel.NOTHING })
  const topic = uniqueName('quotas')
  const admin = made.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = made.producer()
  t.teardown(() => producer.disconnect())
  await producer.connect()
  return { made, topic, producer }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await run()
  return performance.now() - before
}

oursTest('kafkajs: a producer and a consumer over their quotas', async (t) => {
  const clientId = uniqueName('kafkajs')
  const { made, topic, producer } = await kafka(t, clientId)
  await limit(clientId, { producer_byte_rate: RATE })
  const value = Buffer.alloc(RECORD_BYTES, 'v')
  const tookMs = await timed(async () => {
    for (let count = 0; count < RECORDS; count++) await producer.send({ topic, messages: [{ value }] })
  })
  t.true(tookMs > LEAST_MS, `${tookMs}`)
  const readerId = uniqueName('kafkajs')
  await limit(readerId, { consumer_byte_rate: RATE })
  const reader = new Kafka({ brokers: [broker.bootstrap], clientId: readerId, logLevel: logLevel.NOTHING })
  const consumer = reader.consumer({ groupId: uniqueName('group'), maxBytesPerPartition: 100_000 })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let seen = 0
  const readMs = await timed(
    () =>
      new Promise<void>((done, failed) => {
        const eachMessage = () => {
          if (++seen === RECORDS) done()
          return Promise.resolve()
        }
        consumer.run({ eachMessage }).catch(failed)
      })
  )
  t.true(readMs > LEAST_MS, `${readMs}`)
  t.truthy(made)
})

oursTest('@platformatic/kafka: a producer over its quota', async (t) => {
  const clientId = uniqueName('platformatic')
  const { topic } = await kafka(t, uniqueName('other'))
  await limit(clientId, { producer_byte_rate: RATE })
  const producer = new Producer({ clientId, bootstrapBrokers: [broker.bootstrap], serializers: stringSerializers })
  t.teardown(() => producer.close())
  const value = 'v'.repeat(RECORD_BYTES)
  const tookMs = await timed(async () => {
    for (let count = 0; count < RECORDS; count++) await producer.send({ messages: [{ topic, value }] })
  })
  t.true(tookMs > LEAST_MS, `${tookMs}`)
})

toolTest('Java: a producer is told how long it was throttled', async (t) => {
  const clientId = uniqueName('java')
  const { topic } = await kafka(t, uniqueName('other'))
  // So low that also a client which a busy machine holds up is above it.
  await limit(clientId, { producer_byte_rate: RATE / 2.5 })
  const { code, stdout, stderr } = await runTool('producer-perf-test', [
    '--topic',
    topic,
    '--num-records',
    String(RECORDS),
    '--record-size',
    String(RECORD_BYTES),
    '--throughput',
    '-1',
    '--print-metrics',
    '--bootstrap-server',
    broker.bootstrap,
    '--command-property',
    `client.id=${clientId}`
  ])
  t.is(code, 0, stderr)
  t.regex(stdout, new RegExp(`^${RECORDS} records sent`, 'm'))
  const throttled = /produce-throttle-time-max\S*\s*:\s*([\d.]+)/.exec(stdout)?.[1]
  t.true(Number(throttled) > 100, throttled ?? stdout)
})
