/**
 * Copies committed records in transactions with their offsets, as a member of a group: a copier of test/pipeline, with kafkajs. kafkajs knows no
 * KIP-447, so it does as was done before: each partition has a transactional id, and who gets the partition fences whoever had it.
 *
 *     node kafkajs.js NAME=VALUE...
 */
import kafkajs, { type EachBatchPayload, type Producer } from 'kafkajs'
import { Random } from '../random.js'

const given = new Map(process.argv.slice(2).map((argument) => [argument.split('=', 1)[0]!, argument.slice(argument.indexOf('=') + 1)]))
const text = (name: string): string => given.get(name) ?? ''
const group = text('group')
const input = text('input')
const random = new Random(Number(text('seed')))
let untilDeath = given.has('dieAfter') ? Number(text('dieAfter')) : -1

const kafka = new kafkajs.Kafka({
  brokers: [text('bootstrap')],
  clientId: text('id'),
  logLevel: kafkajs.logLevel.NOTHING,
  requestTimeout: 5000,
  retry: { initialRetryTime: 30, maxRetryTime: 300, retries: 60 }
})
const admin = kafka.admin()
const consumer = kafka.consumer({
  groupId: group,
  sessionTimeout: Number(text('session')),
  heartbeatInterval: 300,
  rebalanceTimeout: 5000,
  maxWaitTimeInMs: 100,
  readUncommitted: false
})

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function fail(error: unknown): never {
  const { name, message } = error as Error
  process.stderr.write(`${name}: ${message}\n`)
  say(`failed ${name}`)
  process.exit(3)
}

function dieAt(point: string): void {
  if (untilDeath !== 0 || text('diePoint') !== point) return
  say('died')
  process.kill(process.pid, 'SIGKILL')
}

interface Owned {
  readonly producer: Producer
  /** The offset of the record to be copied next. */
  next: number
}

/** What belongs to the partitions of this generation. */
let owned = new Map<number, Promise<Owned>>()

async function own(partition: number, before: Promise<Owned> | undefined): Promise<Owned> {
  await (await before)?.producer.disconnect()
  const producer = kafka.producer({
    transactionalId: `${group}-${partition}`,
    transactionTimeout: Number(text('transaction')),
    maxInFlightRequests: 1,
    idempotent: true
  })
  await producer.connect()
  // kafkajs takes its transactional id with the first transaction: what the member before had open is ended then, and the offset stays as it is.
  const first = await producer.transaction()
  await first.abort()
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [input] })
  const offset = Number(found?.partitions.find((one) => one.partition === partition)?.offset ?? -1)
  return { producer, next: Math.max(0, offset) }
}

consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  const partitions = payload.memberAssignment[input] ?? []
  say(`assigned ${partitions.join(' ')}`)
  const before = owned
  owned = new Map(partitions.map((partition) => [partition, own(partition, before.get(partition))]))
  for (const each of owned.values()) each.catch(fail)
})
consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error))

/** False: aborted on purpose. */
async function copy(place: Owned, partition: number, messages: readonly { offset: string; value: Buffer | null }[]): Promise<boolean> {
  const outputs = text('outputs').split(',')
  const transaction = await place.producer.transaction()
  const values = messages.map(({ value }) => ({ value, partition }))
  const spread = messages.map(({ offset, value }) => ({ value, partition: (Number(offset) + partition) % Number(text('partitions')) }))
  await transaction.send({ topic: outputs[0]!, messages: values })
  await transaction.send({ topic: outputs[1]!, messages: spread })
  dieAt('sent')
  const next = Number(messages.at(-1)!.offset) + 1
  const topics = [{ topic: input, partitions: [{ partition, offset: `${next}` }] }]
  await transaction.sendOffsets({ consumerGroupId: group, topics })
  dieAt('offsets')
  if (random.chance(8)) {
    await transaction.abort()
    return false
  }
  setTimeout(() => dieAt('ending'), random.below(6))
  await transaction.commit()
  place.next = next
  return true
}

async function eachBatch(payload: EachBatchPayload): Promise<void> {
  const { batch } = payload
  const place = await owned.get(batch.partition)
  if (!place) return
  const size = Number(text('records'))
  for (;;) {
    // Those before it are copied: the fetch was sent before that was known.
    const messages = batch.messages.filter(({ offset }) => Number(offset) >= place.next).slice(0, size)
    if (messages.length === 0 || !payload.isRunning() || payload.isStale()) break
    dieAt('polled')
    if (await copy(place, batch.partition, messages)) say(`copied ${messages.length}`)
    dieAt('ended')
    if (untilDeath > 0) untilDeath--
    await payload.heartbeat()
  }
  if (place.next > 0) payload.resolveOffset(`${place.next - 1}`)
}

async function leave(): Promise<void> {
  await consumer.disconnect()
  process.exit(0)
}

process.stdin.on('end', () => void leave().catch(fail)).resume()
process.on('unhandledRejection', fail)
await admin.connect()
await consumer.connect()
await consumer.subscribe({ topic: input, fromBeginning: true })
say('ready')
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  eachBatch: (payload) =>
    eachBatch(payload).catch((error: unknown) => {
      // Told by the group to begin anew, which kafkajs does.
      if ((error as Error & { type?: string }).type === 'REBALANCE_IN_PROGRESS') throw error
      return fail(error)
    })
})
