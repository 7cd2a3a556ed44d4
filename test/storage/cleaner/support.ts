/** Keyed logs and what their readers see. */
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import {
  decodeBatches,
  decompressedRecords,
  endTransactionBatch,
  RecordBatchBuilder,
  recordsOf,
  type BatchOptions
} from '../../../src/record/index.js'
import type { AppendResult, Log } from '../../../src/storage/log.js'
import { verifyFolder } from '../../../src/storage/verify.js'
import { appendBytes, ManualClock, startEngine, TOPIC_ID, type Engine, type EngineOptions } from '../support.js'

export const COMPACT = {
  'cleanup.policy': 'compact',
  'internal.segment.bytes': '2000',
  'index.interval.bytes': '200',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '1000'
}

export type Pair = readonly [key: string | null, value: string | null]

export interface Compacting {
  readonly engine: Engine
  readonly clock: ManualClock
  readonly log: Log
}

export async function startCompacting(
  t: Pick<ExecutionContext, 'teardown'>,
  options: EngineOptions & { clock?: ManualClock } = {}
): Promise<Compacting> {
  const clock = options.clock ?? new ManualClock()
  const topic = { ...COMPACT, ...options.topic }
  const engine = await startEngine(t, { ...options, topic, clock })
  const log = (await engine.manager.whenReady('t', 0)) ?? (await engine.manager.create('t', 0, TOPIC_ID, engine.config()))
  return { engine, clock, log }
}

export async function put(
  { engine, clock, log }: Compacting,
  pairs: readonly Pair[],
  options: BatchOptions = {},
  codec = 0
): Promise<AppendResult> {
  const builder = new RecordBatchBuilder({ timestamp: clock.now(), ...options })
  for (const [key, value] of pairs) {
    const headers = value === null ? [] : [{ key: 'h', value: Buffer.from(value) }]
    builder.append({ key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), headers })
  }
  // A coordinator writes records without a key, too.
  const origin = pairs.some(([key]) => key === null) ? 'coordinator' : 'client'
  return appendBytes(engine, log, await builder.buildCompressed(codec), origin)
}

export function endTransaction({ engine, clock, log }: Compacting, producerId: number, commit: boolean): Promise<AppendResult> {
  const marker = endTransactionBatch({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp: clock.now() })
  return appendBytes(engine, log, marker, 'coordinator')
}

/** Closes the active segment and compacts all that may be. */
export async function compact({ engine, log }: Compacting): Promise<void> {
  log.roll()
  await log.whenIdle()
  while (await engine.manager.cleaner.cleanFilthiest());
}

export interface Seen {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

/** All records from the log start on. A batch may end in offsets that have no record any more. */
export async function seen(log: Log): Promise<Seen[]> {
  const records: Seen[] = []
  for (let next = log.logStartOffset; ;) {
    const bytes = await log.readBytes(next, 64 * 1024)
    if (bytes.length === 0) return records
    for (const header of decodeBatches(bytes)) {
      next = header.lastOffset + 1
      if (header.control) continue
      const payload = await decompressedRecords(bytes, header, 1 << 20)
      for (const { offset, key, value, timestamp, headers } of recordsOf(bytes, header, payload)) {
        const text = value?.toString() ?? null
        if (headers.length > 0 && headers[0]!.value?.toString() !== text) throw new Error(`the header of ${offset} is not its own`)
        records.push({ offset, key: key?.toString() ?? null, value: text, timestamp })
      }
    }
  }
}

/** By key, in the order of the keys. */
export function latest(records: readonly Seen[]): Map<string, string | null> {
  const values = new Map(records.map(({ key, value }) => [key!, value]))
  return new Map([...values].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

export async function assertSound(t: ExecutionContext, engine: Engine): Promise<void> {
  t.deepEqual(await verifyFolder(path.join(engine.dir, 't-0'), { gaps: true }), [])
}
