/** Topics with records, and producers, of one of the brokers that are compared, and what it tells of them. */
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { setTimeout as delay } from 'node:timers/promises'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { buildBatch } from '../../src/record/builder.js'
import { settled } from '../takeover/session.js'
import { flattened, Side, type Answer } from './side.js'

export interface ProducerRef {
  readonly id: number
  readonly epoch: number
}

/** What requests refer to. */
export interface RecordState {
  readonly round: string
  /** Two partitions, five records in the first one. */
  readonly topic: string
  readonly topicId: string
  /** Each with one partition and a setting that refuses something. */
  readonly compacted: string
  readonly stamped: string
  readonly small: string
  readonly strict: string
  readonly ids: ReadonlyMap<string, string>
  readonly idempotent: ProducerRef
  /** Its epoch is not the first: there is one of before. */
  readonly transactional: ProducerRef & { readonly name: string }
}

const EARLIEST = -2
const LATEST = -1
const RECORDS = 5
/** What a broker says with its own clock is later than this. */
const LONG_AGO = 1_600_000_000_000

export class RecordSide extends Side<RecordState> {
  async make(round: string): Promise<RecordState> {
    const { session } = this
    const { client } = session
    const [topic, compacted, stamped, small, strict, name] = ['t', 'compacted', 'stamped', 'small', 'strict', 'tx'].map(
      (each) => `${each}-${round}`
    ) as [string, string, string, string, string, string]
    await session.createTopic(topic, 2)
    await session.createTopic(compacted, 1, { 'cleanup.policy': 'compact' })
    await session.createTopic(stamped, 1, { 'message.timestamp.type': 'LogAppendTime' })
    await session.createTopic(small, 1, { 'max.message.bytes': '300' })
    await session.createTopic(strict, 1, { 'message.timestamp.before.max.ms': '3600000', 'message.timestamp.after.max.ms': '3600000' })
    const records = Array.from({ length: RECORDS }, (_, at) => ({ value: Buffer.from(String(at)), timestamp: LONG_AGO + at }))
    await session.send(topic, 0, buildBatch(records))
    for (const each of [compacted, stamped, small, strict]) await session.offsetAt(each, 0, LATEST)
    await session.offsetAt(topic, 1, LATEST)
    await session.coordinator(name, 1)
    const init = (transactionalId: string | null) => {
      const body = { transactionalId, transactionTimeoutMs: 900_000, producerId: -1, producerEpoch: -1 }
      return settled(() => client.request(initProducerId, 4, body))
    }
    const idempotent = await init(null)
    await init(name)
    const transactional = await init(name)
    const ids = new Map((await session.topics()).map(([each, id]) => [each ?? '', id]))
    return {
      round,
      topic,
      topicId: ids.get(topic)!,
      compacted,
      stamped,
      small,
      strict,
      ids,
      idempotent: { id: idempotent.producerId, epoch: idempotent.producerEpoch },
      transactional: { name, id: transactional.producerId, epoch: transactional.producerEpoch }
    }
  }

  async snapshot({ topic, compacted, stamped, small, strict, idempotent, transactional }: RecordState): Promise<unknown> {
    const { session } = this
    await this.#whenEnded(transactional.name)
    const places = [[topic, 0] as const, [topic, 1] as const, ...[compacted, stamped, small, strict].map((each) => [each, 0] as const)]
    const ends: unknown[] = []
    for (const [name, index] of places) {
      const [start, end] = [await session.offsetAt(name, index, EARLIEST), await session.offsetAt(name, index, LATEST)]
      const stable = await session.offsetAt(name, index, LATEST, 1)
      ends.push([start.offset, stable.offset, end.offset])
    }
    const topics = [...new Set(places.map(([name]) => name))].map((name) => ({
      name,
      partitionIndexes: places.filter(([each]) => each === name).map(([, index]) => index)
    }))
    const described = await session.client.request(describeProducers, 0, { topics })
    const nameOf = (id: number) => (id === idempotent.id ? 'idempotent' : id === transactional.id ? 'transactional' : String(id))
    return {
      ends,
      producers: described.topics
        .flatMap(({ name, partitions }) =>
          partitions.flatMap(({ partitionIndex, activeProducers }) =>
            activeProducers.map(({ producerId, producerEpoch, lastSequence, currentTxnStartOffset }) =>
              [name.split('-')[0], partitionIndex, nameOf(producerId), producerEpoch, lastSequence, currentTxnStartOffset].join(' ')
            )
          )
        )
        .toSorted()
    }
  }

  /** An ending that is decided takes a moment. */
  async #whenEnded(name: string): Promise<void> {
    for (;;) {
      const { transactionStates } = await this.session.client.request(describeTransactions, 0, { transactionalIds: [name] })
      if (!transactionStates.some(({ transactionState }) => transactionState.startsWith('Prepare'))) return
      await delay(2)
    }
  }

  told(state: RecordState, answer: Answer): string {
    return typeof answer === 'string' ? answer : JSON.stringify(comparable(state, answer))
  }
}

/** What a broker words, names or measures itself. */
const OWN: ReadonlySet<string> = new Set(['throttleTimeMs', 'leaderEpoch', 'host', 'port', 'lastTimestamp'])
/** Where one of the brokers says nothing in words, the other may. */
const WORDS: ReadonlySet<string> = new Set(['errorMessage', 'batchIndexErrorMessage'])

function comparable(state: RecordState, value: unknown): unknown {
  if (Array.isArray(value)) {
    // What is asked twice is answered once or twice, in any order.
    const texts = value
      .map((each) => comparable(state, each))
      .flatMap((each) => flattened(each, PARTITIONS, NAMES))
      .map((each) => JSON.stringify(each))
    return [...new Set(texts)].toSorted().map((text) => JSON.parse(text) as unknown)
  }
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !OWN.has(name) && !WORDS.has(name))
      .map(([name, each]) => [name, comparableField(state, name, each)] as const)
      .filter(([, each]) => !saysNothing(each))
  )
}

function saysNothing(value: unknown): boolean {
  if (typeof value !== 'object') return value === -1 || value === ''
  return value === null || Object.keys(value).length === 0
}

function comparableField(state: RecordState, name: string, value: unknown): unknown {
  if (/^topicId$/i.test(name)) return [...state.ids].find(([, id]) => id === value)?.[0] ?? (value === ZERO_UUID ? '' : value)
  if ((name === 'logAppendTimeMs' || name === 'timestamp') && (value as number) > LONG_AGO + RECORDS) return 'now'
  if (name === 'sessionId') return value === 0 ? '' : 'one'
  if (name === 'producerEpoch') return (value as number) < 0 ? value : (value as number) - state.transactional.epoch
  if (name === 'producerId') return value === state.idempotent.id ? 'own' : value === state.transactional.id ? 'of a transaction' : value
  return comparable(state, value)
}

const PARTITIONS: ReadonlySet<string> = new Set(['partitions', 'partitionResponses'])
const NAMES: ReadonlySet<string> = new Set(['name', 'topic', 'topicId'])
