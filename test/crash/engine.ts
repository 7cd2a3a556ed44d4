/** The engine as the crash tests run it: small segments, timers that run twenty times as fast, and topics with different flush policies. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemClock, type Clock } from '../../src/clock.js'
import { loadBrokerConfig, resolveTopicConfig, type TopicConfig } from '../../src/config/index.js'
import type { Logger } from '../../src/log.js'
import { Runtime } from '../../src/native/runtime.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { compress, Compression } from '../../src/record/compression.js'
import { batch as layout, buildBatch } from '../../src/record/index.js'
import { writeDurably } from '../../src/storage/files.js'
import type { AppendOrigin, AppendResult, Log } from '../../src/storage/log.js'
import { LogManager } from '../../src/storage/log-manager.js'

/**
 * `durable`: every acknowledgement is behind a flush. `lazy`: flushed when asked for, on a roll, and by bytes. `gone`: created and deleted.
 * Their segments get their room at once. `packed`: compacted.
 */
export const TOPICS = { durable: 2, lazy: 2, gone: 1, packed: 1 } as const
export type TopicName = keyof typeof TOPICS
export const PARTITIONS: readonly (readonly [TopicName, number])[] = Object.entries(TOPICS).flatMap(([topic, count]) =>
  Array.from({ length: count }, (_, partition) => [topic as TopicName, partition] as const)
)
/** Of the topics that retention cuts. */
export const RETENTION_BYTES = 30_000
/** The log directories, below the disk: partitions move from one to the other. */
export const DIR_NAMES = ['data', 'more'] as const
/** What the metadata would say: where each partition that was moved is. */
const ASSIGNED_FILE = 'assigned'
/** So much that the end of a segment gives room back, which it does where that is more than 1 MiB. It rolls when it is told to. */
const PREALLOCATED_BYTES = '1300000'
/** Few, so that compaction has much to throw away. */
const KEYS = 8

const FASTER = 20

export interface CrashEngine {
  readonly runtime: Runtime
  readonly manager: LogManager
  readonly lines: string[]
  readonly config: (topic: string) => TopicConfig
  /** The log when it is recovered. One whose folder does not say of which topic it is learns it from the metadata. Rejects with a StorageError. */
  whenReady(topic: string, partition: number): Promise<Log | undefined>
  /** Makes a log, of which the metadata is told before, and where it is behind. Rejects with an error. */
  create(topic: string, partition: number, topicId: string): Promise<Log>
  close(): Promise<void>
  /** Without closing the logs: what is on the disk stays as it is. */
  drop(): Promise<void>
}

/** Timers run twenty times as fast; none after `stop`. */
export function fastClock(): Clock & { stop(): void } {
  const clock = systemClock()
  let stopped = false
  const schedule = (delayMs: number, run: () => void) =>
    clock.schedule(delayMs / FASTER, () => {
      if (!stopped) run()
    })
  return { ...clock, schedule, stop: () => void (stopped = true) }
}

export function dirsOf(disk: string): string[] {
  return DIR_NAMES.map((name) => path.join(disk, name))
}

type Assigned = readonly [topicId: string, directoryId: string]

/** Where each partition is, kept in a file that is replaced as a whole. */
class Assignments {
  readonly #file: string
  #known: ReadonlyMap<string, Assigned>
  #last: Promise<boolean> = Promise.resolve(true)

  private constructor(file: string, known: ReadonlyMap<string, Assigned>) {
    this.#file = file
    this.#known = known
  }

  static async of(disk: string): Promise<Assignments> {
    const file = path.join(disk, ASSIGNED_FILE)
    const text = await readFile(file, 'utf8').catch(() => '[]')
    return new Assignments(file, new Map(JSON.parse(text) as [string, Assigned][]))
  }

  get(topic: string, topicId: string, partition: number): string | undefined {
    const [known, directoryId] = this.#known.get(`${topic}-${partition}`) ?? []
    return known === topicId ? directoryId : undefined
  }

  topicId(topic: string, partition: number): string | undefined {
    return this.#known.get(`${topic}-${partition}`)?.[0]
  }

  /** Durable when resolved to true; false of a log that does not say of which topic it is. The zero id of a directory: not known yet. */
  set({ topic, partition, topicId }: Pick<Log, 'topic' | 'partition' | 'topicId'>, directoryId: string): Promise<boolean> {
    this.#last = this.#last.then(async () => {
      if (topicId === ZERO_UUID) return false
      const next = new Map(this.#known).set(`${topic}-${partition}`, [topicId, directoryId])
      try {
        await writeDurably(this.#file, JSON.stringify([...next]))
      } catch {
        return false
      }
      this.#known = next
      return true
    })
    return this.#last
  }
}

/** What an engine must never say of a log that nobody else has touched since it was opened. */
const COMPLAINT = /holds a damaged batch/

/** On a disk with both directories. `complain`: told of what must not be. */
export async function openEngine(disk: string, complain?: (message: string) => void): Promise<CrashEngine> {
  const lines: string[] = []
  const tell = (message: string) => {
    lines.push(message)
    if (COMPLAINT.test(message)) complain?.(message)
  }
  const log: Logger = { debug: () => undefined, info: tell, warn: tell, error: tell, limited: () => log }
  // Compaction is asked for, so that it comes at times that the seed tells.
  const { config: broker } = loadBrokerConfig({ 'sluice.flush.background.bytes': '20000', 'log.cleaner.enable': 'false' })
  const config = (topic: string) =>
    resolveTopicConfig(
      broker,
      new Map([
        // Where every flush is of records alone, indexes and the recovery point stay behind by some rolls' worth of batches.
        ['internal.segment.bytes', topic === 'durable' ? '12000' : topic === 'gone' ? PREALLOCATED_BYTES : '4000'],
        ['index.interval.bytes', '200'],
        ['file.delete.delay.ms', '200'],
        ['retention.bytes', topic === 'lazy' ? String(RETENTION_BYTES) : '-1'],
        ...(topic === 'durable' ? ([['flush.messages', '1']] as const) : []),
        ...(topic === 'gone' ? ([['preallocate', 'true']] as const) : []),
        ...(topic === 'packed'
          ? ([
              ['cleanup.policy', 'compact'],
              ['delete.retention.ms', '0'],
              ['min.cleanable.dirty.ratio', '0.01']
            ] as const)
          : [])
      ])
    )
  const runtime = new Runtime({ frameMemoryBytes: 16 * 1024 * 1024 })
  const clock = fastClock()
  try {
    const assignments = await Assignments.of(disk)
    const manager = await LogManager.open({
      dirs: dirsOf(disk),
      runtime,
      clock,
      log,
      config: broker,
      topicConfig: config,
      nodeId: 1,
      assignedDir: (topic, topicId, partition) => assignments.get(topic, topicId, partition),
      assignDir: (one, directoryId) => assignments.set(one, directoryId)
    })
    return {
      runtime,
      manager,
      lines,
      config,
      whenReady: async (topic, partition) => {
        const log = await manager.whenReady(topic, partition)
        return log?.topicId === ZERO_UUID ? manager.whenReady(topic, partition, assignments.topicId(topic, partition)) : log
      },
      create: async (topic, partition, topicId) => {
        if (!(await assignments.set({ topic, partition, topicId }, ZERO_UUID))) throw new Error('the metadata could not be written')
        const made = await manager.create(topic, partition, topicId, config(topic))
        void assignments.set(made, manager.dirOf(topic, partition)!.directoryId)
        return made
      },
      close: async () => {
        await manager.close()
        await runtime.close()
      },
      drop: async () => {
        await manager.moves.close()
        clock.stop()
        // What is being written comes to its end: nothing may change the folder once somebody else has it.
        for (const each of manager.dirs) if (each.online) await Promise.all([each.saveRecoveryPoints(), each.saveLogStarts()])
        await abandon(manager)
        await runtime.close()
      }
    }
  } catch (error) {
    await runtime.close()
    throw error
  }
}

/** The one producer that writes in transactions. */
export const TRANSACTIONAL = 2001

/** What the end of a transaction is called. */
export function markerId(timestamp: number): string {
  return `marker-${timestamp}`
}

/** A marker's time, which no other has, tells what it does: an even one commits. */
export function markerTimestamp(from: number, number: number, commit: boolean): number {
  return 2 * (Math.floor(from / 2) + number) + (commit ? 0 : 1)
}

/** Whether a batch is the end of a transaction. */
export function markerOf(id: string): 'commit' | 'abort' | undefined {
  const timestamp = /^marker-(\d+)$/.exec(id)?.[1]
  return timestamp === undefined ? undefined : Number(timestamp) % 2 === 0 ? 'commit' : 'abort'
}

function hashOf(text: string, seed: number): number {
  let hash = seed
  for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  return hash >>> 8
}

/** The key of a batch's record. */
export function keyOf(id: string, index: number): string {
  return `k${hashOf(id, index) % KEYS}`
}

/** Whether a record of the compacted topic says that its key is gone: compaction takes it away in the end, too. */
export function isTombstone(id: string, index: number): boolean {
  return hashOf(id, 7 * index + 3) % 6 === 0
}

/** A batch whose records tell what they are: `${id} ${index}`, padded; a tombstone says it in a header. */
export interface Batch {
  readonly id: string
  readonly count: number
  /** Bytes of each value. */
  readonly pad: number
  /** -1: not idempotent. */
  readonly producerId: number
  readonly sequence: number
  readonly timestamp: number
  readonly transactional?: boolean
  readonly tombstones?: boolean
}

export function batchBytes(one: Batch): Buffer {
  const { id, count, pad, producerId, sequence, timestamp, transactional = false } = one
  const records = Array.from({ length: count }, (_, index) => {
    const key = Buffer.from(keyOf(id, index))
    const value = Buffer.from(`${id} ${index} `.padEnd(pad, '.'))
    return one.tombstones === true && isTombstone(id, index) ? { key, value: null, headers: [{ key: 'id', value }] } : { key, value }
  })
  return buildBatch(records, {
    timestamp,
    ...(producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: sequence, transactional })
  })
}

/** The same batch, its records compressed by `codec`. */
export async function compressed(bytes: Buffer, codec: number): Promise<Buffer> {
  if (codec === Compression.none) return bytes
  const records = await compress(codec, bytes.subarray(layout.BATCH_OVERHEAD))
  const whole = Buffer.concat([bytes.subarray(0, layout.BATCH_OVERHEAD), records])
  whole.writeInt32BE(whole.length - layout.LOG_OVERHEAD, layout.At.batchLength)
  whole.writeInt16BE(layout.attributes(whole, 0) | codec, layout.At.attributes)
  return stamped(whole)
}

/** Gives a batch its sequence: at the last moment, so that none overtakes it. */
export function setSequence(bytes: Buffer, sequence: number): Buffer {
  bytes.writeInt32BE(sequence, layout.At.baseSequence)
  return stamped(bytes)
}

function stamped(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(layout.computeCrc(bytes, 0), layout.At.crc)
  return bytes
}

export function appendBatch(
  runtime: Runtime,
  log: Log,
  bytes: Buffer,
  leaderEpoch: number,
  origin: AppendOrigin = 'client'
): Promise<AppendResult> {
  const frame = runtime.frameFrom(bytes)
  try {
    return log.append({ frame, offset: 0, length: bytes.length, origin, leaderEpoch })
  } finally {
    runtime.release(frame)
  }
}

/** Lets go of all logs and folders as they are. */
export async function abandon(manager: LogManager): Promise<void> {
  for (const log of manager.logs()) await log.abandon()
  for (const dir of manager.dirs) dir.unlock()
}
