/**
 * Compacting the same log: here by `Log.compact`, by Apache Kafka with its log cleaner, whose own line in its log tells how long it took. Kafka gets
 * a broker of its own each time; of two compactions in it the second counts, when its code is compiled.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LogDirectory, type Settings } from '../../src/storage/index.js'
import { Admin } from '../lib/admin.js'
import { startKafka, type BenchBroker } from '../lib/broker.js'
import type { Case } from '../lib/rounds.js'
import { MIB } from '../lib/units.js'
import { pseudoRandom, randomBytes } from '../micro/suite.js'
import { Meter, type Measured } from './measure.js'
import type { Stage } from './stage.js'
import { SLUICE } from './stores/sluice.js'

export const COMPACTION_GROUP = 'compaction'

const BYTES = 512 * MIB
const QUICK_BYTES = 32 * MIB
const SEGMENT_BYTES = 64 * MIB
const RECORD_BYTES = 1000
const RECORDS_PER_BATCH = 64
/** Records for each key: what is left is one of so many. */
const VERSIONS = 4
const FILLED_AT_ONCE = 16
const TOPIC = 'compacted'
/** Two of them for Kafka, with the same segments: the first makes it warm. */
const KAFKA_PARTITIONS = 2
const KAFKA_PATIENCE_MS = 180_000
const SETTINGS: Settings = { 'log.cleaner.enable': 'false' }
const TOPIC_SETTINGS: Settings = { 'cleanup.policy': 'compact', 'segment.bytes': String(SEGMENT_BYTES) }

interface Filled {
  readonly folder: string
  readonly bytes: number
  readonly endOffset: number
}

/** `kafka`: the subject that it is, installed; undefined: without it. */
export function compactionCases(stage: Stage, kafka: string | undefined): Case[] {
  let filling: Promise<Filled> | undefined
  const filled = (): Promise<Filled> => (filling ??= fill(stage))
  const common = {
    group: COMPACTION_GROUP,
    name: `1 KiB records, ${VERSIONS} of each key`,
    parameters: { recordBytes: RECORD_BYTES, versions: VERSIONS }
  }
  const ours: Case = { ...common, subject: SLUICE, run: async () => compacting(stage, await filled()) }
  return kafka === undefined ? [ours] : [ours, { ...common, subject: kafka, run: kafkaCompacting(stage, filled) }]
}

async function fill(stage: Stage): Promise<Filled> {
  const folder = await mkdtemp(path.join(stage.folder, 'compaction-'))
  const directory = await LogDirectory.open(folder, { settings: SETTINGS })
  const log = await directory.log(TOPIC, { settings: TOPIC_SETTINGS })
  const wanted = stage.quick ? QUICK_BYTES : BYTES
  const keys = Math.floor(wanted / RECORD_BYTES / VERSIONS)
  const value = randomBytes(RECORD_BYTES)
  const random = pseudoRandom()
  const batch = () => log.append(Array.from({ length: RECORDS_PER_BATCH }, () => ({ key: Buffer.from(`key-${random(keys)}`), value })))
  while (log.sizeBytes < wanted) await Promise.all(Array.from({ length: FILLED_AT_ONCE }, batch))
  log.roll()
  await log.append({ key: Buffer.from('last'), value: Buffer.from('of the segment that stays as it is') })
  const { sizeBytes: bytes, endOffset } = log
  await directory.close()
  return { folder, bytes, endOffset }
}

async function compacting(stage: Stage, { folder }: Filled): Promise<Measured> {
  const copy = await mkdtemp(path.join(stage.folder, 'compacting-'))
  await cp(folder, copy, { recursive: true })
  const directory = await LogDirectory.open(copy, { settings: SETTINGS })
  const meter = new Meter()
  try {
    const log = await directory.log(TOPIC, { settings: TOPIC_SETTINGS, create: false })
    const result = await meter.count(() => log.compact())
    if (result === undefined) throw new Error('nothing was compacted')
    return { figures: meter.figures(result.bytesBefore, 1), otherPercent: meter.otherPercent }
  } finally {
    await directory.delete(TOPIC)
    await directory.close()
    await rm(copy, { recursive: true, force: true })
  }
}

/** Kafka's own cleaner at its own defaults, but begun soon and at any share of dirty bytes. */
function kafkaCompacting(stage: Stage, filled: () => Promise<Filled>): () => Promise<Measured> {
  const cleaning = { 'log.cleaner.backoff.ms': '200', 'log.cleaner.threads': '1', 'log.initial.task.delay.ms': '0' }
  return async () => {
    const source = await filled()
    const dir = await mkdtemp(path.join(stage.folder, 'kafka-'))
    try {
      await prepareTopic(dir)
      for (let partition = 0; partition < KAFKA_PARTITIONS; partition++) await replaceLog(dir, partition, source)
      const broker = await startKafka({ dir, settings: cleaning })
      try {
        const { seconds, bytes } = await lastCompaction(broker, stage.signal)
        return { figures: { throughput: bytes / MIB / seconds, operations: 1 / seconds } }
      } finally {
        await broker.stop()
      }
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
}

/** A broker that knows the topic, and has compacted nothing. */
async function prepareTopic(dir: string): Promise<void> {
  const configs = { ...TOPIC_SETTINGS, 'min.cleanable.dirty.ratio': '0.01' }
  const broker = await startKafka({
    dir,
    settings: { 'log.cleaner.enable': 'false' },
    topics: [{ name: TOPIC, partitions: KAFKA_PARTITIONS, configs }]
  })
  await Admin.with(broker.bootstrap, (admin) => admin.nodeId())
  await broker.stop()
}

/** Our segments in the place of Kafka's; its checkpoints go, so that it finds the end of the log by itself. */
async function replaceLog(dir: string, partition: number, { folder }: Filled): Promise<void> {
  const to = path.join(dir, 'data', `${TOPIC}-${partition}`)
  await cp(path.join(folder, `${TOPIC}-0`), to, {
    recursive: true,
    filter: (source) => !source.endsWith('partition.metadata')
  })
  for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint', '.kafka_cleanshutdown'])
    await rm(path.join(dir, 'data', name), { force: true })
}

/** "512.0 MB of log processed in 3.2 seconds": of the partition that came last. */
const PROCESSED = /([\d,.]+) MB of log processed in ([\d,.]+) seconds/g

async function lastCompaction(broker: BenchBroker, signal: AbortSignal): Promise<{ seconds: number; bytes: number }> {
  const until = performance.now() + KAFKA_PATIENCE_MS
  for (;;) {
    const large = [...broker.log().matchAll(PROCESSED)]
      .map(([, mebibytes = '', seconds = '']) => ({ bytes: number(mebibytes) * MIB, seconds: number(seconds) }))
      .filter(({ bytes }) => bytes > SEGMENT_BYTES)
    const last = large[KAFKA_PARTITIONS - 1]
    if (last !== undefined) return last
    if (performance.now() > until) throw new Error(`Apache Kafka has compacted ${large.length} of ${KAFKA_PARTITIONS} partitions in time`)
    await delay(100, undefined, { signal })
  }
}

function number(text: string): number {
  return Number(text.replaceAll(',', ''))
}
