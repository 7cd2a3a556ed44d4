/** The example of every introduction to consumer groups: four partitions, read by two, four, three and five members, of real clients. */
import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, stringDeserializers } from '@platformatic/kafka'
import test, { type ExecutionContext } from 'ava'
import kafkajs from 'kafkajs'
import { buildBatch } from '../../src/record/index.js'
import { available } from '../support/available.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { root, run } from '../support/processes.js'
import { Session } from '../takeover/session.js'

const PARTITIONS = 4
const SIZES = [2, 4, 3, 5]
const RECORDS = 5
const PATIENCE_MS = 30_000
const librdkafka = await available('librdkafka')
let broker: TestBroker

test.before(async () => {
  // Members of the consumer protocol learn of a rebalance by their heartbeats.
  const settings = {
    'group.consumer.heartbeat.interval.ms': '300',
    'group.consumer.min.heartbeat.interval.ms': '300',
    'group.consumer.assignment.interval.ms': '0'
  }
  broker = await startBroker({ settings })
})
test.after.always(() => broker.stop())

interface Member {
  /** Partitions that it has now. */
  owned(): readonly number[]
  close(): Promise<void>
}

interface Read {
  readonly member: Member
  readonly partition: number
  readonly value: string
}

type Join = (topic: string, groupId: string, onRead: (partition: number, value: string) => void) => Promise<Member>

const joinKafkajs: Join = async (topic, groupId, onRead) => {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrap], logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 200, rebalanceTimeout: 5000, maxWaitTimeInMs: 100 })
  let owned: readonly number[] = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => (owned = payload.memberAssignment[topic] ?? []))
  consumer.on(consumer.events.REBALANCING, () => (owned = []))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: ({ partition, message }) => Promise.resolve(onRead(partition, message.value!.toString())) })
  return { owned: () => owned, close: () => consumer.disconnect() }
}

function joinPlatformatic(groupProtocol: 'classic' | 'consumer'): Join {
  return async (topic, groupId, onRead) => {
    const options = {
      bootstrapBrokers: [broker.bootstrap],
      clientId: 'member',
      groupId,
      deserializers: stringDeserializers,
      maxWaitTime: 100
    }
    const consumer =
      groupProtocol === 'consumer'
        ? new Consumer({ ...options, groupProtocol })
        : new Consumer({ ...options, groupProtocol, heartbeatInterval: 200, sessionTimeout: 6000, rebalanceTimeout: 6000 })
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: true })
    stream.on('data', ({ partition, value }: { partition: number; value: string }) => onRead(partition, value))
    return {
      owned: () => consumer.assignments?.find((one) => one.topic === topic)?.partitions ?? [],
      close: async () => {
        await stream.close()
        await new Promise<void>((closed, failed) => consumer.close(true, (error) => (error ? failed(error) : closed())))
      }
    }
  }
}

async function until(t: ExecutionContext, what: string, holds: () => boolean | Promise<boolean>, now: () => string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await holds()); await delay(20)) {
    if (Date.now() < end) continue
    t.fail(`${what}: ${now()}`)
    throw new Error(what)
  }
}

/** Each partition has one owner, and nobody has two while another has none. */
function settled(members: readonly Member[]): boolean {
  const shares = members.map((member) => member.owned())
  const all = shares.flat()
  const most = Math.ceil(PARTITIONS / members.length)
  const least = Math.floor(PARTITIONS / members.length)
  return all.length === PARTITIONS && new Set(all).size === PARTITIONS && shares.every(({ length }) => length >= least && length <= most)
}

/** `once`: nobody is given a record by a fetch that it sent before a rebalance. */
async function example(t: ExecutionContext, join: Join, once: boolean): Promise<void> {
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  const [topic, groupId] = [uniqueName('sizes'), uniqueName('sizes')]
  await session.createTopic(topic, PARTITIONS)
  const members: Member[] = []
  t.teardown(() => Promise.all(members.map((member) => member.close())))
  const read: Read[] = []
  const sent: string[] = []
  const add = async (): Promise<void> => {
    const early: (readonly [number, string])[] = []
    const at = members.length
    const member = await join(topic, groupId, (partition, value) => {
      const reader = members[at]
      if (reader === undefined) early.push([partition, value])
      else read.push({ member: reader, partition, value })
    })
    for (const [partition, value] of early) read.push({ member, partition, value })
    members.push(member)
  }
  for (const size of SIZES) {
    while (members.length < size) await add()
    while (members.length > size) await members.pop()!.close()
    const shares = () => JSON.stringify(members.map((member) => member.owned()))
    await until(t, `${size} members share the partitions`, () => settled(members), shares)
    const before = read.length
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const values = Array.from({ length: RECORDS }, (_, n) => `${size}:${partition}:${n}`)
      sent.push(...values)
      await session.send(
        topic,
        partition,
        buildBatch(
          values.map((value) => ({ value: Buffer.from(value) })),
          { timestamp: Date.now() }
        )
      )
    }
    await until(
      t,
      'all is read',
      () => distinct(read).length >= sent.length,
      () => `${distinct(read).length} of ${sent.length} with ${shares()}`
    )
    const committed = async (): Promise<boolean> => {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const { committedOffset } = await session.committedOffset(groupId, topic, partition)
        if (committedOffset * PARTITIONS !== sent.length) return false
      }
      return true
    }
    await until(t, 'all is committed', committed, shares)
    if (!once) continue
    for (const { member, partition } of read.slice(before)) t.true(member.owned().includes(partition), `${partition} is read by its owner`)
  }
  t.is(members.filter((member) => member.owned().length === 0).length, 1, 'the fifth has nothing to do')
  t.deepEqual(distinct(read), sent.toSorted(), 'each record is read')
  if (once) t.is(read.length, sent.length, 'each record is read once')
}

function distinct(read: readonly Read[]): string[] {
  return [...new Set(read.map(({ value }) => value))].toSorted()
}

test('kafkajs: four partitions and two, four, three, five members', (t) => example(t, joinKafkajs, true))
// It passes on what a fetch of before a rebalance brings, also with Apache Kafka.
test('@platformatic/kafka: four partitions and two, four, three, five members', (t) => example(t, joinPlatformatic('classic'), false))
test('@platformatic/kafka, consumer protocol: four partitions and two, four, three, five members', (t) =>
  example(t, joinPlatformatic('consumer'), false))

for (const strategy of ['range', 'cooperative-sticky', 'consumer']) {
  const clientTest = librdkafka.found ? test : test.skip
  clientTest(`librdkafka, ${strategy}: four partitions and two, four, three, five members`, async (t) => {
    if (!librdkafka.found) throw new Error(librdkafka.reason)
    const [topic, group] = [uniqueName('sizes'), uniqueName('sizes')]
    const driver = `${root}/test/clients/librdkafka/driver.py`
    const { code, stdout, stderr } = await run(librdkafka.product, [driver, 'sizes', broker.bootstrap], {
      input: JSON.stringify({ topic, group, partitions: PARTITIONS, strategy, sizes: SIZES, records: RECORDS }),
      timeoutMs: 110_000
    })
    t.is(code, 0, stderr)
    const steps = JSON.parse(stdout) as { shares: number[][]; values: string[] }[]
    t.deepEqual(
      steps.map(({ shares }) => shares.map(({ length }) => length).toSorted((a, b) => b - a)),
      [
        [2, 2],
        [1, 1, 1, 1],
        [2, 1, 1],
        [1, 1, 1, 1, 0]
      ]
    )
    for (const [at, { values }] of steps.entries()) {
      const sent = Array.from({ length: PARTITIONS * RECORDS }, (_, n) => `${SIZES[at]}:${Math.floor(n / RECORDS)}:${n % RECORDS}`)
      t.deepEqual(values.toSorted(), sent)
    }
  })
}
