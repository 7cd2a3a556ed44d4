/**
 * The child of `sluice verify-crash`: appends to one log at a steady rate and says each acknowledgement on the control file, which the fault
 * library keeps in the journal: `a LAST-OFFSET BYTES`, one a line, each written before anything else is done.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { systemClock } from '../clock.js'
import { loadBrokerConfig, resolveTopicConfig } from '../config/index.js'
import type { Logger } from '../log.js'
import { Runtime } from '../native/runtime.js'
import { buildBatch } from '../record/index.js'
import type { Log } from '../storage/log.js'
import { LogManager } from '../storage/log-manager.js'

export interface CrashChildPlan {
  readonly dir: string
  readonly control: string
  /** Broker settings: the flush policy. */
  readonly settings: Readonly<Record<string, string>>
  readonly seconds: number
  readonly bytesPerSecond: number
}

export const CRASH_TOPIC = 'proof'
const TOPIC_ID = 'c2x1aWNlLWNyYXNoLXByb2'
const RECORD_BYTES = 1024
const SEGMENT_BYTES = 4 * 1024 * 1024
export const RECORDS_PER_BATCH = 4
/** As many batches as an idempotent producer has on their way. */
const IN_FLIGHT = 5
const PRODUCER_ID = 1

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  limited: () => SILENT
}

/** What a record of an offset says, so that a reader knows whether it is the right one. */
export function crashRecord(offset: number): Buffer {
  return Buffer.from(`record ${offset} `.padEnd(RECORD_BYTES, '.'))
}

/** Opens the engine, with the policy's settings. */
export async function openCrashLogs(
  dir: string,
  settings: Readonly<Record<string, string>>
): Promise<{ manager: LogManager; runtime: Runtime }> {
  const { config } = loadBrokerConfig({ 'log.segment.bytes': String(SEGMENT_BYTES), ...settings })
  const topicConfig = () => resolveTopicConfig(config, new Map())
  const runtime = new Runtime()
  try {
    const manager = await LogManager.open({ dirs: [dir], runtime, clock: systemClock(), log: SILENT, config, topicConfig, nodeId: 1 })
    return { manager, runtime }
  } catch (error) {
    await runtime.close()
    throw error
  }
}

/** Ends without closing anything: a power cut does not ask. */
export async function runCrashChild({ dir, control, settings, seconds, bytesPerSecond }: CrashChildPlan): Promise<void> {
  const { manager, runtime } = await openCrashLogs(dir, settings)
  const { config } = loadBrokerConfig({ 'log.segment.bytes': String(SEGMENT_BYTES), ...settings })
  const log = await manager.create(CRASH_TOPIC, 0, TOPIC_ID, resolveTopicConfig(config, new Map()))
  const fd = openSync(control, 'a')
  const begin = performance.now()
  let sent = 0
  const sender = async (): Promise<void> => {
    for (;;) {
      const elapsed = performance.now() - begin
      if (elapsed > seconds * 1000) return
      const early = (sent / bytesPerSecond) * 1000 - elapsed
      if (early > 1) {
        await new Promise((resolve) => setTimeout(resolve, early))
        continue
      }
      sent += RECORD_BYTES * RECORDS_PER_BATCH
      await appendOne(runtime, log, fd)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  closeSync(fd)
}

async function appendOne(runtime: Runtime, log: Log, fd: number): Promise<void> {
  const first = log.nextOffset
  const records = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => ({ value: crashRecord(first + index) }))
  const bytes = buildBatch(records, { timestamp: Date.now(), producerId: PRODUCER_ID, producerEpoch: 0, baseSequence: first })
  const frame = runtime.frameFrom(bytes)
  const answer = log.append({ frame, offset: 0, length: bytes.length, origin: 'client', leaderEpoch: 0 })
  runtime.release(frame)
  const { errorCode, errorMessage, lastOffset } = await answer
  if (errorCode !== 0) throw new Error(errorMessage ?? `error ${errorCode}`)
  writeSync(fd, `a ${lastOffset} ${bytes.length}\n`)
}
