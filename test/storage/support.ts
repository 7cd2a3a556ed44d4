/** A log manager in its own folder, and shorthands to fill and read its logs. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { systemClock, type Clock } from '../../src/clock.js'
import { loadBrokerConfig, resolveTopicConfig, type TopicConfig } from '../../src/config/index.js'
import { StorageError } from '../../src/errors.js'
import type { Logger } from '../../src/log.js'
import { Runtime } from '../../src/native/runtime.js'
import { buildBatch, decodeAnyRecords, type BatchOptions, type DecodedRecord, type RecordInput } from '../../src/record/index.js'
import type { AppendOrigin, AppendResult, Log } from '../../src/storage/log.js'
import { LogManager, type LogManagerOptions } from '../../src/storage/log-manager.js'

export const TOPIC_ID = 'ZzRKCMH6RiOrZrm6jFyUaw'

/** A clock that stands until it is moved; timers run only then. */
export class ManualClock implements Clock {
  #now: number
  readonly #timers = new Set<{ at: number; run: () => void }>()

  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  schedule(delayMs: number, run: () => void) {
    const timer = { at: this.#now + delayMs, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  advance(ms: number): void {
    this.#now += ms
    for (const timer of Array.from(this.#timers)) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue
      timer.run()
    }
  }
}

export interface Told {
  readonly lines: string[]
  readonly log: Logger
}

export function collectingLogger(): Told {
  const lines: string[] = []
  const log: Logger = {
    debug: () => undefined,
    info: (message) => void lines.push(message),
    warn: (message) => void lines.push(message),
    error: (message) => void lines.push(message),
    limited: () => log
  }
  return { lines, log }
}

export interface Engine {
  readonly dir: string
  readonly runtime: Runtime
  readonly manager: LogManager
  readonly clock: Clock
  readonly lines: string[]
  readonly config: (overrides?: Readonly<Record<string, string>>) => TopicConfig
  /** Without closing the logs: as if the process had been killed, but with what the page cache holds. */
  drop(): Promise<void>
  stop(): Promise<void>
}

export interface EngineOptions {
  readonly dir?: string
  readonly dirs?: readonly string[]
  readonly clock?: Clock
  readonly settings?: Readonly<Record<string, string>>
  readonly topic?: Readonly<Record<string, string>>
  readonly more?: Partial<LogManagerOptions>
  /** How many segments have their files open, besides those that must. */
  readonly openSegments?: number
}

export async function temporaryFolder(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-storage-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function startEngine(t: Pick<ExecutionContext, 'teardown'>, options: EngineOptions = {}): Promise<Engine> {
  const dir = options.dir ?? options.dirs?.[0] ?? path.join(await temporaryFolder(t), 'data')
  const clock = options.clock ?? systemClock()
  const { config: broker } = loadBrokerConfig({ ...options.settings })
  const { lines, log } = collectingLogger()
  const topic = (overrides: Readonly<Record<string, string>> = {}) =>
    resolveTopicConfig(broker, new Map(Object.entries({ ...options.topic, ...overrides })))
  const { openSegments } = options
  const runtime = new Runtime({ frameMemoryBytes: 64 * 1024 * 1024, ...(openSegments !== undefined && { openSegments }) })
  let ended = false
  try {
    const dirs = options.dirs ?? [dir]
    const topicConfig = () => topic()
    const manager = await LogManager.open({ dirs, runtime, clock, log, config: broker, topicConfig, nodeId: 1, ...options.more })
    const end = async (orderly: boolean) => {
      if (ended) return
      ended = true
      if (orderly) await manager.close()
      else {
        for (const one of manager.logs()) await one.abandon()
        for (const one of manager.dirs) {
          one.unlock()
          // A checkpoint that is due must not come after those of who opens the folder next.
          one.fail(new StorageError('ECANCELED', one.path))
        }
      }
      await runtime.close()
    }
    t.teardown(() => end(true))
    return { dir, runtime, manager, clock, lines, config: topic, drop: () => end(false), stop: () => end(true) }
  } catch (error) {
    await runtime.close()
    throw error
  }
}

export function appendBytes(
  engine: Engine,
  log: Log,
  bytes: Buffer,
  origin: AppendOrigin = 'client',
  leaderEpoch = 0
): Promise<AppendResult> {
  const frame = engine.runtime.frameFrom(bytes)
  try {
    return log.append({ frame, offset: 0, length: bytes.length, origin, leaderEpoch })
  } finally {
    engine.runtime.release(frame)
  }
}

export function append(
  engine: Engine,
  log: Log,
  records: readonly RecordInput[],
  options: BatchOptions = {},
  leaderEpoch = 0
): Promise<AppendResult> {
  return appendBytes(engine, log, buildBatch(records, { timestamp: engine.clock.now(), ...options }), 'client', leaderEpoch)
}

/** `count` records with values `${prefix}${0, 1, …}`. */
export function values(count: number, prefix = 'v', bytes = 0): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({ value: Buffer.from(`${prefix}${index}`.padEnd(bytes, '.')) }))
}

/** All records from `offset` on. */
export async function readAll(log: Log, offset = log.logStartOffset): Promise<DecodedRecord[]> {
  const records: DecodedRecord[] = []
  let next = offset
  for (;;) {
    const bytes = await log.readBytes(next, 64 * 1024)
    if (bytes.length === 0) return records
    const before = next
    for await (const record of decodeAnyRecords(bytes, 1024 * 1024)) {
      if (record.offset >= next) records.push(record)
      next = Math.max(next, record.offset + 1)
    }
    if (next === before) return records
  }
}
