/** The client @platformatic/kafka, as its users use it. */
import { setTimeout as delay } from 'node:timers/promises'
import zlib from 'node:zlib'
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers, type Message } from '@platformatic/kafka'
import test, { type ExecutionContext } from 'ava'
import { startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'

let broker: TestBroker
let admin: Admin

test.before(async () => {
  broker = await startBroker()
  admin = new Admin(options('admin'))
})
test.after.always(async () => {
  await admin.close()
  await broker.stop()
})

const options = (clientId: string) => ({ clientId, bootstrapBrokers: [broker.bootstrap] })

async function newTopic(partitions = 1): Promise<string> {
  const topic = uniqueName('platformatic')
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  return topic
}

function newProducer(t: ExecutionContext, more: object = {}) {
  const producer = new Producer({ ...options('producer'), serializers: stringSerializers, ...more })
  t.teardown(() => producer.close())
  return producer
}

function newConsumer(t: ExecutionContext, groupId: string) {
  const consumer = new Consumer({
    ...options('consumer'),
    groupId,
    deserializers: stringDeserializers,
    heartbeatInterval: 500,
    maxWaitTime: 200
  })
  t.teardown(() => consumer.close(true))
  return consumer
}

async function read(t: ExecutionContext, topic: string, count: number, groupId = uniqueName('group')) {
  const stream = await newConsumer(t, groupId).consume({ topics: [topic], mode: 'earliest', autocommit: false })
  const messages: Message<string, string, string, string>[] = []
  for await (const message of stream) if (messages.push(message) === count) break
  return messages
}

// The client takes zstd from Node, which has it from 22.15 on.
const zstd = 'zstdCompressSync' in zlib ? (['zstd'] as const) : []

for (const compression of ['none', 'gzip', 'snappy', 'lz4', ...zstd] as const) {
  test(`@platformatic/kafka: records come back as they were sent, ${compression}`, async (t) => {
    const topic = await newTopic()
    const messages = Array.from({ length: 50 }, (_, i) => ({
      topic,
      key: `k${i}`,
      value: `value ${i} `.repeat(30),
      headers: { n: `${i}` }
    }))
    await newProducer(t, { compression }).send({ messages, acks: -1 })
    const found = await read(t, topic, 50)
    t.deepEqual(
      found.map(({ key, value, headers, offset }) => ({ key, value, n: headers.get('n'), offset })),
      messages.map(({ key, value, headers }, i) => ({ key, value, n: headers.n, offset: BigInt(i) }))
    )
  })
}

test('@platformatic/kafka: an idempotent producer, commits, and a member that goes on where the last one stopped', async (t) => {
  const topic = await newTopic()
  const producer = newProducer(t, { idempotent: true })
  for (let i = 0; i < 10; i++) await producer.send({ messages: [{ topic, value: `${i}` }] })
  const groupId = uniqueName('group')
  await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 4n }] }] })
  const stream = await newConsumer(t, groupId).consume({ topics: [topic], mode: 'committed', autocommit: false })
  const values: string[] = []
  for await (const message of stream) if (values.push(message.value) === 6) break
  t.deepEqual(values, ['4', '5', '6', '7', '8', '9'])
})

test('@platformatic/kafka: copies in transactions, with the offsets of what was read', async (t) => {
  const [source, target, groupId] = [await newTopic(), await newTopic(2), uniqueName('group')]
  await newProducer(t).send({ messages: Array.from({ length: 6 }, (_, n) => ({ topic: source, value: `${n}` })), acks: -1 })
  const producer = newProducer(t, { idempotent: true, transactionalId: uniqueName('tx') })
  const consumer = newConsumer(t, groupId)
  const stream = await consumer.consume({ topics: [source], mode: 'earliest', autocommit: false })
  for await (const message of stream) {
    const transaction = await producer.beginTransaction()
    await transaction.addConsumer(consumer)
    await transaction.send({ messages: [0, 1].map((partition) => ({ topic: target, partition, value: message.value })) })
    await transaction.addOffset(message)
    // Of the last, which is aborted, neither the records nor the offset count.
    if (message.value === '5') await transaction.abort()
    else await transaction.commit()
    if (message.value === '5') break
  }
  const values = (await read(t, target, 10)).map(({ value }) => value)
  t.deepEqual(values.toSorted(), ['0', '0', '1', '1', '2', '2', '3', '3', '4', '4'])
  const [committed] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  t.is(committed?.topics[0]?.partitions[0]?.committedOffset, 5n)
})

test('@platformatic/kafka: topics, partitions, groups and offsets through the admin client', async (t) => {
  const topic = await newTopic(2)
  // A client's view of the topics may lag behind their creation.
  while (!(await admin.listTopics()).includes(topic)) await delay(20)
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] })
  await newProducer(t).send({ messages: [{ topic, partition: 2, value: 'x' }] })
  const listed = await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 2, timestamp: -1n }] }] })
  t.is(listed[0]?.partitions[0]?.offset, 1n)
  const deleted = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 2, offset: 1n }] }] })
  t.is(deleted[0]?.partitions[0]?.lowWatermark, 1n)
  const groupId = uniqueName('group')
  await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 7n }] }] })
  t.is((await admin.listConsumerGroupOffsets({ groups: [groupId] }))[0]?.topics[0]?.partitions[0]?.committedOffset, 7n)
  t.true((await admin.listGroups()).has(groupId))
  await admin.deleteGroups({ groups: [groupId] })
  t.false((await admin.listGroups()).has(groupId))
  await admin.deleteTopics({ topics: [topic] })
  while ((await admin.listTopics()).includes(topic)) await delay(20)
  t.pass()
})
