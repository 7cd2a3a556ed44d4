/** A broker is killed in the middle of its writes, several times; then Apache Kafka is started on its folder, finds what was acknowledged, and goes on. */
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { faultEnvironment } from '../../src/cli/crash-library.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { buildBatch, decodeRecords } from '../../src/record/index.js'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { haveFaults } from '../support/faults.js'
import { haveTools } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const kafkaTest = haveTools && haveFaults && !foreignBroker ? test.serial : test.serial.skip

const MiB = 1024 * 1024
const TOPIC = 'survivors'
const PARTITIONS = [0, 1, 2]
const RECORDS_PER_BATCH = 3
const RECORD_BYTES = 4000
/** Segments of 1 MiB are rolled once or twice in each partition. */
const KILLS = ['kill-mid write survivors-*.log 150', 'kill write survivors-*.timeindex 12']
/** A broker that no rule kills would write for ever. */
const MOST_BATCHES = 1000
const PATIENCE_MS = 20_000

type Acknowledged = Map<number, string>

interface Kafka {
  readonly prepareKafka: (options: { port: number; dir: string }) => Promise<unknown>
  readonly startKafka: (options: { port: number; dir: string }) => Promise<{ readonly stop: () => Promise<unknown> }>
}

/** The base offset; undefined: no answer, because the broker is dead. */
async function send(client: RawClient, index: number, values: readonly string[]): Promise<number | undefined> {
  const records = buildBatch(
    values.map((value) => ({ value: Buffer.from(value.padEnd(RECORD_BYTES, '.')) })),
    { timestamp: Date.now() }
  )
  const request = { transactionalId: null, acks: -1, timeoutMs: 5000, topicData: [{ name: TOPIC, partitionData: [{ index, records }] }] }
  for (const end = Date.now() + PATIENCE_MS; ; await delay(20)) {
    const answer = await client.request(produce, 9, request).catch(() => undefined)
    if (answer === undefined) return undefined
    const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
    if (errorCode === ErrorCode.NONE) return baseOffset
    // The partition is still being recovered.
    if (errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER || Date.now() > end) throw new Error(`produce: error ${errorCode}`)
  }
}

async function readAll(client: RawClient, partition: number): Promise<Acknowledged> {
  const found: Acknowledged = new Map()
  const end = Date.now() + PATIENCE_MS
  for (let fetchOffset = 0; ; fetchOffset = found.size) {
    const wanted = { partition, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: MiB }
    const { responses } = await client.request(fetch, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: MiB,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: TOPIC, partitions: [wanted] }],
      forgottenTopicsData: [],
      rackId: ''
    })
    const answer = responses[0]!.partitions[0]!
    if (answer.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER && Date.now() < end) {
      await delay(20)
      continue
    }
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`fetch at ${fetchOffset}: error ${answer.errorCode}`)
    if (answer.records === null || answer.records.length === 0) return found
    for (const { offset, value } of decodeRecords(Buffer.from(answer.records as Uint8Array)))
      if (offset >= fetchOffset) found.set(offset, value!.toString().replace(/\.+$/, ''))
  }
}

/** Writes to all partitions until the broker is dead. */
async function writeUntilKilled(dir: string, rules: string, round: number, acknowledged: readonly Acknowledged[]): Promise<boolean> {
  const env = faultEnvironment({ root: dir, control: path.join(dir, 'no-control'), rules })
  const broker = await startChildBroker({
    dir,
    topics: { [TOPIC]: PARTITIONS.length },
    settings: { 'log.segment.bytes': String(MiB) },
    env
  })
  let batches = 0
  try {
    await Promise.all(
      PARTITIONS.map(async (partition) => {
        const client = await RawClient.connect(broker)
        for (; batches < MOST_BATCHES; batches++) {
          const values = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => `${round}-${batches}-${index}`)
          const base = await send(client, partition, values)
          if (base === undefined) break
          for (const [index, value] of values.entries()) acknowledged[partition]!.set(base + index, value)
        }
        client.close()
      })
    )
  } finally {
    await broker.kill()
  }
  return batches < MOST_BATCHES
}

async function holdsAll(t: ExecutionContext, client: RawClient, acknowledged: readonly Acknowledged[]): Promise<void> {
  for (const partition of PARTITIONS) {
    const found = await readAll(client, partition)
    t.deepEqual(
      [...found.keys()],
      Array.from({ length: found.size }, (_, offset) => offset)
    )
    t.is(new Set(found.values()).size, found.size, 'nothing is there twice')
    const missing = [...acknowledged[partition]!].filter(([offset, value]) => found.get(offset) !== value)
    t.deepEqual(missing.slice(0, 5), [], `${missing.length} missing in partition ${partition}`)
  }
}

kafkaTest('Apache Kafka opens the folder of a broker that was killed, and all that was acknowledged is there', async (t) => {
  t.timeout(240_000)
  const { prepareKafka, startKafka } = (await import(pathToFileURL(path.join(root, 'scripts/kafka/broker.mjs')).href)) as Kafka
  const dir = await realpath(await tempDir(t))
  const address = { host: '127.0.0.1', port: await freePort() }
  // Formats the folder.
  await prepareKafka({ port: address.port, dir })
  const data = path.join(dir, 'data')

  const acknowledged = PARTITIONS.map((): Acknowledged => new Map())
  for (const [round, rules] of KILLS.entries())
    t.true(await writeUntilKilled(data, rules, round, acknowledged), `${rules} has killed the broker`)
  for (const each of acknowledged) t.true(each.size > 100, String(each.size))

  const kafka = await startKafka({ port: address.port, dir })
  const client = await RawClient.connect(address)
  try {
    await holdsAll(t, client, acknowledged)
    for (const partition of PARTITIONS) {
      const base = await send(client, partition, ['from-kafka'])
      acknowledged[partition]!.set(base!, 'from-kafka')
    }
  } finally {
    client.close()
    await kafka.stop()
  }

  const broker = await startChildBroker({ dir: data })
  const again = await RawClient.connect(broker)
  try {
    await holdsAll(t, again, acknowledged)
  } finally {
    again.close()
    await broker.stop()
  }
})
