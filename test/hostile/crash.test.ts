/** kill -9 at moments drawn from fixed seeds: what was acknowledged is there afterwards, once, at its offset. */
import test, { type ExecutionContext } from 'ava'
import kafkajs from 'kafkajs'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { buildBatch } from '../../src/record/builder.js'
import { randomFrom } from '../../src/cli/crash-disk.js'
import { decodeRecords } from '../../src/record/decode.js'
import { foreignBroker, startChildBroker, type ChildBroker } from '../support/broker.js'
import { Closed, RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const crashTest = foreignBroker ? test.serial.skip : test.serial
const TOPIC = 'crash'

interface Producer {
  readonly id: number
  readonly epoch: number
  sequence: number
}

const valueOf = (sequence: number) => `record ${sequence} ${'x'.repeat((sequence * 37) % 2000)}`

async function send(client: RawClient, producer: Producer, sequence: number): Promise<number> {
  const records = buildBatch([{ value: Buffer.from(valueOf(sequence)) }], {
    timestamp: Date.now(),
    producerId: producer.id,
    producerEpoch: producer.epoch,
    baseSequence: sequence
  })
  const { responses } = await client.request(produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
  })
  const answer = responses[0]?.partitionResponses[0]
  if (answer === undefined || answer.errorCode !== 0) throw new Error(`produce of ${sequence}: error ${answer?.errorCode}`)
  return answer.baseOffset
}

/** Sends until the connection breaks. `acked` maps sequence to offset. */
async function sendUntilKilled(client: RawClient, producer: Producer, acked: Map<number, number>): Promise<void> {
  try {
    for (;;) {
      acked.set(producer.sequence, await send(client, producer, producer.sequence))
      producer.sequence++
    }
  } catch (error) {
    if (!(error instanceof Closed)) throw error
  }
}

async function readAll(t: ExecutionContext, broker: ChildBroker): Promise<Map<number, string>> {
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  const found = new Map<number, string>()
  for (let fetchOffset = 0; ; fetchOffset = found.size) {
    const { responses } = await client.request(fetch, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 24,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: TOPIC,
          partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: 1 << 24 }]
        }
      ],
      forgottenTopicsData: [],
      rackId: ''
    })
    const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    if (records.length === 0) return found
    for (const { offset, value } of decodeRecords(Buffer.from(records))) found.set(offset, value?.toString() ?? '')
  }
}

for (const seed of [1, 2, 3]) {
  crashTest(`what was acknowledged survives kill -9, once and in place (seed ${seed})`, async (t) => {
    const random = randomFrom(seed)
    const dir = await tempDir(t)
    let broker = await startChildBroker({ dir, topics: { [TOPIC]: 1 } })
    t.teardown(() => broker.kill())
    let client = await RawClient.connect(broker)
    const given = await client.request(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1
    })
    const producer: Producer = { id: given.producerId, epoch: given.producerEpoch, sequence: 0 }
    const acked = new Map<number, number>()
    for (let round = 0; round < 4; round++) {
      const sending = sendUntilKilled(client, producer, acked)
      await new Promise((resolve) => setTimeout(resolve, 50 + random() * 400))
      await broker.kill()
      await sending
      broker = await startChildBroker({ dir })
      client = await RawClient.connect(broker)
      // The one that was in flight is sent again, as an idempotent producer does: it must not be there twice.
      acked.set(producer.sequence, await send(client, producer, producer.sequence))
      producer.sequence++
    }
    client.close()
    const found = await readAll(t, broker)
    t.true(acked.size > 50, `${acked.size} acknowledged`)
    for (const [sequence, offset] of acked)
      if (found.get(offset) !== valueOf(sequence)) t.fail(`record ${sequence} is not at offset ${offset}`)
    t.is(found.size, producer.sequence, 'nothing is there twice')
  })
}

crashTest('topics, settings and committed offsets survive kill -9', async (t) => {
  const dir = await tempDir(t)
  const first = await startChildBroker({ dir, topics: { kept: 3 } })
  t.teardown(() => first.kill())
  await withAdmin(first, async (admin) => {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'kept', configEntries: [{ name: 'retention.ms', value: '12345678' }] }]
    })
    await admin.setOffsets({
      groupId: 'g',
      topic: 'kept',
      partitions: [
        { partition: 1, offset: '0' },
        { partition: 2, offset: '42' }
      ]
    })
  })
  await first.kill()
  const second = await startChildBroker({ dir })
  t.teardown(() => second.stop())
  await withAdmin(second, async (admin) => {
    t.is((await admin.fetchTopicMetadata({ topics: ['kept'] })).topics[0]?.partitions.length, 3)
    const offsets = (await admin.fetchOffsets({ groupId: 'g', topics: ['kept'] }))[0]?.partitions.map(({ offset }) => offset)
    t.deepEqual(offsets, ['-1', '0', '42'])
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'kept', configNames: ['retention.ms'] }]
    })
    t.is(resources[0]?.configEntries[0]?.configValue, '12345678')
  })
})

async function withAdmin(broker: ChildBroker, use: (admin: kafkajs.Admin) => Promise<void>): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [broker.bootstrap], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  await use(admin)
  await admin.disconnect()
}
