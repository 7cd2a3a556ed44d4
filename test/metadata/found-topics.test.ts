/** A broker that starts on a folder which a program has filled: its logs are topics, with their records. */
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { Kafka, logLevel } from 'kafkajs'
import { Broker } from '../../src/index.js'
import { LogDirectory } from '../../src/storage/index.js'
import { tempDir } from '../support/temp-dir.js'

async function offsetsOf(broker: Broker, topic: string): Promise<string[]> {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return (await admin.fetchTopicOffsets(topic)).toSorted((a, b) => a.partition - b.partition).map(({ low, high }) => `${low}-${high}`)
  } finally {
    await admin.disconnect()
  }
}

async function append(dir: string, topic: string, partition: number, count: number): Promise<void> {
  await using directory = await LogDirectory.open(dir)
  const log = await directory.log(topic, { partition })
  for (let i = 0; i < count; i++) await log.append({ value: Buffer.from(String(i)) })
}

test('logs that a program has made are topics of the broker that starts first on its folder', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  await append(dir, 'orders', 0, 3)
  await append(dir, 'orders', 1, 5)
  // Whose first partition is missing.
  await append(dir, 'torn', 1, 1)
  // As Kafka leaves it when it formats a folder.
  const metadata = path.join(dir, '__cluster_metadata-0')
  await mkdir(metadata)
  for (let start = 0; start < 2; start++) {
    await using broker = await Broker.start({ dir, port: 0 })
    t.deepEqual(await offsetsOf(broker, 'orders'), start === 0 ? ['0-3', '0-5'] : ['0-3', '0-7'])
    await broker.stop()
    await append(dir, 'orders', 1, 2)
  }
  const names = await readdir(dir)
  t.true(names.some((name) => /^torn-1\.[0-9a-f]{32}-stray$/.test(name)))
  t.is(names.filter((name) => name.startsWith('orders-')).length, 2)
  t.false((await readdir(metadata)).includes('partition.metadata'), 'it is no topic of ours: with an id, Kafka would not start')
})

test('a producer of the broker is none that the program has made', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  {
    await using directory = await LogDirectory.open(dir)
    const log = await directory.log('orders')
    for (let id = 0; id < 3; id++) await log.append({ value: Buffer.from('x') }, { producer: { id, epoch: 0, sequence: 0 } })
  }
  await using broker = await Broker.start({ dir, port: 0 })
  const producer = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ value: 'y' }] })
  await producer.disconnect()
  t.deepEqual(await offsetsOf(broker, 'orders'), ['0-4'], 'its first batch is no repetition')
})

test('a log that a program makes in the folder of a broker is set aside, as Apache Kafka does', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  await (await Broker.start({ dir, port: 0, topics: { known: 1 } })).stop()
  await append(dir, 'known', 0, 2)
  await append(dir, 'new', 0, 1)
  await using broker = await Broker.start({ dir, port: 0 })
  t.deepEqual(await offsetsOf(broker, 'known'), ['0-2'])
  await broker.stop()
  t.true((await readdir(dir)).some((name) => /^new-0\.[0-9a-f]{32}-stray$/.test(name)))
})
