/** kafkajs, as its users use it. */
import { once, EventEmitter } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import kafkajs, { type Admin, type Consumer, type KafkaMessage } from 'kafkajs'
import { startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
let broker: TestBroker
let kafka: kafkajs.Kafka
let admin: Admin

test.before(async () => {
  broker = await startBroker()
  kafka = new Kafka({ brokers: [broker.bootstrap], clientId: 'kafkajs-test', logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  await admin.connect()
})
test.after.always(async () => {
  await admin.disconnect()
  await broker.stop()
})

async function newTopic(numPartitions = 1): Promise<string> {
  const topic = uniqueName('kafkajs')
  // Also how long it waits for leaders: 5 s by itself, which a busy machine may take.
  await admin.createTopics({ topics: [{ topic, numPartitions }], timeout: 30_000 })
  return topic
}

/** Reads `count` messages as a group of one. */
async function read(t: ExecutionContext, topic: string, count: number, groupId = uniqueName('group')): Promise<KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const messages: KafkaMessage[] = []
  await new Promise<void>((done, failed) => {
    consumer
      .run({
        eachMessage: ({ message }) => {
          messages.push(message)
          if (messages.length === count) done()
          return Promise.resolve()
        }
      })
      .catch(failed)
  })
  return messages
}

for (const [name, compression] of [
  ['none', CompressionTypes.None],
  ['gzip', CompressionTypes.GZIP]
] as const) {
  test(`kafkajs: records come back as they were sent, ${name}`, async (t) => {
    const topic = await newTopic()
    const producer = kafka.producer()
    t.teardown(() => producer.disconnect())
    await producer.connect()
    const sent = [
      { key: null, value: null },
      { key: Buffer.from(''), value: Buffer.from('') },
      { key: Buffer.from('k'), value: Buffer.from('v'), headers: { a: Buffer.from('1'), b: Buffer.from('') }, timestamp: '1700000000123' },
      { key: null, value: Buffer.alloc(900_000, 'x') }
    ]
    const [meta] = await producer.send({ topic, messages: sent, compression, acks: -1 })
    t.is(meta?.baseOffset, '0')
    const messages = await read(t, topic, sent.length)
    t.deepEqual(
      messages.map(({ key, value }) => ({ key, value })),
      sent.map(({ key, value }) => ({ key, value }))
    )
    t.deepEqual(
      messages.map(({ offset }) => offset),
      ['0', '1', '2', '3']
    )
    t.deepEqual(messages[2]?.headers, sent[2]?.headers)
    t.is(messages[2]?.timestamp, '1700000000123')
  })
}

test('kafkajs: an idempotent producer writes each record once, in order', async (t) => {
  const topic = await newTopic()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  t.teardown(() => producer.disconnect())
  await producer.connect()
  for (let i = 0; i < 20; i++) await producer.send({ topic, messages: [{ value: `${i}` }] })
  const messages = await read(t, topic, 20)
  t.deepEqual(
    messages.map(({ value }) => value?.toString()),
    Array.from({ length: 20 }, (_, i) => `${i}`)
  )
})

test('kafkajs: transactions, with the offsets of what was read', async (t) => {
  const [from, to] = [await newTopic(), await newTopic(2)]
  const groupId = uniqueName('group')
  const producer = kafka.producer({ transactionalId: uniqueName('tx'), maxInFlightRequests: 1, idempotent: true })
  t.teardown(() => producer.disconnect())
  await producer.connect()
  for (let n = 0; n < 6; n++) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: to, messages: [0, 1].map((partition) => ({ partition, value: `${n}` })) })
    const topics = [{ topic: from, partitions: [{ partition: 0, offset: `${n}` }] }]
    await transaction.sendOffsets({ consumerGroupId: groupId, topics })
    if (n % 2 === 0) await transaction.commit()
    else await transaction.abort()
  }
  const messages = await read(t, to, 6)
  t.deepEqual(messages.map(({ value }) => value?.toString()).toSorted(), ['0', '0', '2', '2', '4', '4'])
  const [committed] = await admin.fetchOffsets({ groupId, topics: [from] })
  t.is(committed?.partitions[0]?.offset, '4')
})

test('kafkajs: a second producer fences the first', async (t) => {
  const topic = await newTopic()
  const transactionalId = uniqueName('tx')
  const options = { transactionalId, maxInFlightRequests: 1, idempotent: true, retry: { retries: 1 } }
  const [first, second] = [kafka.producer(options), kafka.producer(options)]
  t.teardown(() => Promise.all([first.disconnect(), second.disconnect()]))
  await first.connect()
  const fenced = await first.transaction()
  await fenced.send({ topic, messages: [{ value: 'lost' }] })
  await second.connect()
  const transaction = await second.transaction()
  await transaction.send({ topic, messages: [{ value: 'kept' }] })
  await transaction.commit()
  await t.throwsAsync(fenced.commit())
  t.deepEqual(
    (await read(t, topic, 1)).map(({ value }) => value?.toString()),
    ['kept']
  )
})

test('kafkajs: a record above max.message.bytes is refused and not stored', async (t) => {
  const topic = uniqueName('kafkajs')
  await admin.createTopics({ topics: [{ topic, configEntries: [{ name: 'max.message.bytes', value: '1000' }] }] })
  const producer = kafka.producer({ retry: { retries: 0 } })
  t.teardown(() => producer.disconnect())
  await producer.connect()
  await t.throwsAsync(producer.send({ topic, messages: [{ value: 'x'.repeat(2000) }] }), { message: /larger than the max message size/ })
  t.is((await admin.fetchTopicOffsets(topic))[0]?.high, '0')
})

test('kafkajs: a topic is created by the first record sent to it', async (t) => {
  const topic = uniqueName('kafkajs-auto')
  const producer = kafka.producer({ allowAutoTopicCreation: true })
  t.teardown(() => producer.disconnect())
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'first' }] })
  t.is((await read(t, topic, 1))[0]?.value?.toString(), 'first')
})

/** Members note their assignment; `settled` resolves when the predicate holds of all. */
class Group {
  readonly members = new Map<Consumer, number[]>()
  readonly #changed = new EventEmitter()
  readonly #groupId = uniqueName('group')

  async join(topic: string): Promise<Consumer> {
    const consumer = kafka.consumer({
      groupId: this.#groupId,
      heartbeatInterval: 200,
      sessionTimeout: 10_000,
      rebalanceTimeout: 5000,
      maxWaitTimeInMs: 200
    })
    this.members.set(consumer, [])
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.members.set(consumer, payload.memberAssignment[topic] ?? [])
      this.#changed.emit('changed')
    })
    await consumer.connect()
    await consumer.subscribe({ topic })
    await consumer.run({ eachMessage: () => Promise.resolve() })
    return consumer
  }

  async leave(consumer: Consumer): Promise<void> {
    this.members.delete(consumer)
    await consumer.disconnect()
  }

  /** Resolves with how many partitions each has, when together they have all of them. */
  async shares(partitions: number): Promise<number[]> {
    for (;;) {
      const owned = [...this.members.values()]
      if (new Set(owned.flat()).size === partitions && owned.flat().length === partitions && owned.every((share) => share.length > 0)) {
        return owned.map((share) => share.length).sort()
      }
      await once(this.#changed, 'changed')
    }
  }
}

test('kafkajs: members share the partitions as they come and go', async (t) => {
  const topic = await newTopic(6)
  const group = new Group()
  t.teardown(async () => {
    for (const consumer of group.members.keys()) await consumer.disconnect()
  })
  await group.join(topic)
  t.deepEqual(await group.shares(6), [6])
  const second = await group.join(topic)
  t.deepEqual(await group.shares(6), [3, 3])
  await group.join(topic)
  t.deepEqual(await group.shares(6), [2, 2, 2])
  await group.leave(second)
  t.deepEqual(await group.shares(6), [3, 3])
})

test('kafkajs: committed offsets: set, fetched, reset, deleted with the group', async (t) => {
  const topic = await newTopic(2)
  const groupId = uniqueName('group')
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] })
  t.deepEqual(
    (await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions.map(({ partition, offset }) => [partition, offset]),
    [
      [0, '7'],
      [1, '-1']
    ]
  )
  await admin.resetOffsets({ groupId, topic, earliest: true })
  t.is((await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true }))[0]?.partitions[0]?.offset, '0')
  t.true((await admin.listGroups()).groups.some((group) => group.groupId === groupId))
  t.is((await admin.describeGroups([groupId])).groups[0]?.state, 'Empty')
  t.deepEqual(
    (await admin.deleteGroups([groupId])).map(({ errorCode }) => errorCode ?? 0),
    [0]
  )
  t.is((await admin.describeGroups([groupId])).groups[0]?.state, 'Dead')
})

test('kafkajs: offsets by time, deleted records, more partitions, settings, deleted topics', async (t) => {
  const topic = await newTopic()
  const producer = kafka.producer()
  t.teardown(() => producer.disconnect())
  await producer.connect()
  const at = 1_700_000_000_000
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'retention.ms', value: '-1' }] }]
  })
  for (let i = 0; i < 5; i++) await producer.send({ topic, messages: [{ value: `${i}`, timestamp: `${at + i * 1000}` }] })
  t.is((await admin.fetchTopicOffsetsByTimestamp(topic, at + 1500))[0]?.offset, '2')
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
  t.is((await admin.fetchTopicOffsets(topic))[0]?.low, '3')
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  t.is((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length, 3)
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }]
  })
  t.is(resources[0]?.configEntries[0]?.configValue, '-1')
  await admin.deleteTopics({ topics: [topic] })
  t.false((await admin.listTopics()).includes(topic))
  t.truthy((await admin.describeCluster()).clusterId)
})
