/** The topics that are handed over, and what is written to them: by Apache Kafka first, by Sluice, and by Kafka again. */
import { RecordBatchBuilder, type RecordInput } from '../../src/record/index.js'
import { TestProducer } from './producer.js'
import { Session } from './session.js'

/** Every topic has one partition in each log directory, with the same records. */
export const PARTITIONS = [0, 1]

/** Within the hour that Kafka grants timestamps, so that no producer expires. */
export const BEGIN = Date.now() - 600_000

export const DAY_MS = '86400000'

const SMALL = { 'internal.segment.bytes': '4000', 'index.interval.bytes': '300' }
export const KEYED = {
  ...SMALL,
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0',
  'min.compaction.lag.ms': DAY_MS,
  'delete.retention.ms': DAY_MS
}

const CODECS = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec) => `codec-${codec}`)
const PLAIN = [...CODECS, 'append-time', 'trimmed']

export const TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...Object.fromEntries(CODECS.map((topic) => [topic, { ...SMALL, 'compression.type': topic.slice('codec-'.length) }])),
  'append-time': { ...SMALL, 'message.timestamp.type': 'LogAppendTime' },
  trimmed: SMALL,
  txn: SMALL,
  keyed: KEYED,
  busy: {},
  empty: {}
}

/** `count` records that differ in all that a record has; the numbers go on from `first`. Those for a compacted topic have keys and tombstones. */
export function recordsFrom(topic: string, first: number, count: number, keyed = false): RecordInput[] {
  return Array.from({ length: count }, (_, index) => {
    const n = first + index
    const value = `${topic} ${n} `.padEnd(60 + ((n * 37) % 90), 'abcdefghij')
    return {
      key: !keyed && n % 4 === 0 ? null : Buffer.from(`${topic}/${(n * 7) % 23}`),
      value: keyed && n % 11 === 3 ? null : Buffer.from(value),
      headers:
        n % 3 === 0
          ? [
              { key: 'h', value: Buffer.from(`${n}`) },
              { key: 'none', value: null }
            ]
          : [],
      timestamp: BEGIN + n
    }
  })
}

export function packed(records: readonly RecordInput[], codec: number): Promise<Buffer> {
  const builder = new RecordBatchBuilder({})
  for (const record of records) builder.append(record)
  return builder.buildCompressed(codec)
}

/** Batches of four records by clients that use every codec. */
export async function sendBatches(session: Session, topic: string, from: number, count: number, keyed = false): Promise<void> {
  for (let batch = from; batch < from + count; batch++) {
    const bytes = await packed(recordsFrom(topic, batch * 4, 4, keyed), batch % 5)
    await Promise.all(PARTITIONS.map((partition) => session.send(topic, partition, bytes)))
  }
}

/** Producers that outlive the brokers. */
export class Producers {
  readonly plain: TestProducer
  readonly committed: TestProducer
  readonly aborted: TestProducer
  /** Their transactions are left open in Kafka, pass through Sluice, and are ended in Kafka: by commit and by abort. */
  readonly openToCommit: TestProducer
  readonly openToAbort: TestProducer

  private constructor([plain, committed, aborted, openToCommit, openToAbort]: readonly TestProducer[]) {
    this.plain = plain!
    this.committed = committed!
    this.aborted = aborted!
    this.openToCommit = openToCommit!
    this.openToAbort = openToAbort!
  }

  static async open(session: Session): Promise<Producers> {
    const all = [await TestProducer.open(session)]
    for (const id of ['a', 'b', 'open-1', 'open-2']) all.push(await TestProducer.open(session, `takeover-${id}`))
    return new Producers(all)
  }

  use(session: Session): void {
    for (const one of [this.plain, this.committed, this.aborted, this.openToCommit, this.openToAbort]) one.session = session
  }
}

/** Transactions that overlap, with records outside of any between them. Numbers go on from `first`; 8 of them a round. */
export async function transact(producers: Producers, topics: readonly string[], first: number, rounds: number): Promise<void> {
  const { plain, committed, aborted } = producers
  const send = async (producer: TestProducer, n: number, count: number, codec = 0) => {
    for (const topic of topics) {
      for (const partition of PARTITIONS) await producer.send(topic, partition, recordsFrom(topic, n, count, topic === 'keyed'), codec)
    }
  }
  for (let round = 0; round < rounds; round++) {
    const n = first + round * 8
    await send(committed, n, 2, round % 5)
    await send(plain, n + 2, 1)
    await send(aborted, n + 3, 2)
    await committed.end(round % 3 !== 2)
    await send(aborted, n + 5, 3, (round + 2) % 5)
    await aborted.end(round % 4 === 3)
  }
}

/** What Kafka's folder holds at first, but for `busy`. */
export async function fillInKafka(session: Session): Promise<Producers> {
  const producers = await Producers.open(session)
  for (const topic of PLAIN) await sendBatches(session, topic, 0, 16)
  for (const partition of PARTITIONS) await session.deleteBefore('trimmed', partition, 30)
  await sendBatches(session, 'keyed', 0, 16, true)
  await transact(producers, ['txn', 'keyed'], 100, 8)
  await sendBatches(session, 'keyed', 40, 4, true)
  for (const partition of PARTITIONS) {
    await producers.openToCommit.send('txn', partition, recordsFrom('txn', 300, 2))
    await producers.openToAbort.send('txn', partition, recordsFrom('txn', 302, 2))
    await producers.plain.send('txn', partition, recordsFrom('txn', 304, 3))
    await session.commitOffset('takeover', 'txn', partition, 11)
  }
  return producers
}

/** What each broker after that adds; `at`: from which batch on the numbers go on. */
export async function goOn(session: Session, producers: Producers, at: number): Promise<void> {
  for (const topic of PLAIN) await sendBatches(session, topic, at, 8)
  for (const partition of PARTITIONS) {
    const { offset } = await session.offsetAt('trimmed', partition, -2)
    await session.deleteBefore('trimmed', partition, offset + 15)
    await producers.plain.send('txn', partition, recordsFrom('txn', at * 100, 3), 3)
    await session.commitOffset('takeover', 'txn', partition, 11 + at)
  }
  await sendBatches(session, 'keyed', at + 40, 12, true)
  for (const partition of PARTITIONS) await producers.plain.send('keyed', partition, recordsFrom('keyed', at * 100, 5, true))
  await sendBatches(session, 'keyed', at + 60, 8, true)
}

/** Writes to `busy` without a pause, until it is told to stop: what was acknowledged must be there whenever the broker is killed. */
export class BusyWriter {
  /** Values by offset, for each partition. */
  readonly acknowledged = PARTITIONS.map(() => new Map<number, string>())
  #stopped = false
  #loops: Promise<void>[] = []

  start(address: { readonly host: string; readonly port: number }, name: string): void {
    this.#stopped = false
    this.#loops = PARTITIONS.flatMap((partition) => [0, 1, 2].map((loop) => this.#write(address, partition, `${name} ${loop}`)))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  async #write(address: { readonly host: string; readonly port: number }, partition: number, name: string): Promise<void> {
    const session = await Session.connect(address)
    for (let n = 0; !this.#stopped; n++) {
      const value = `busy ${name} ${n}`
      const offset = await session.send('busy', partition, await packed([{ value: Buffer.from(value), timestamp: Date.now() }], n % 5))
      this.acknowledged[partition]!.set(offset, value)
    }
    session.close()
  }
}
