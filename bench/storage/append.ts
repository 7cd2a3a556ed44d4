/** Appending batches, in laps that each begin with new, empty logs: page cache that was never used before can cost many times what used memory does. */
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { buildBatch } from '../../src/storage/index.js'
import type { Case } from '../lib/rounds.js'
import { KIB, MIB } from '../lib/units.js'
import { randomBytes } from '../micro/suite.js'
import { latencyFigures, measuredLoop, Meter, type Measured } from './measure.js'
import type { Stage } from './stage.js'
import { openSluice, SLUICE } from './stores/sluice.js'
import type { Policy, Store, StoreOptions } from './stores/store.js'

/** What no engine can beat. */
export const PWRITE = 'C++ pwrite'
export const PWRITE_SYNC = 'C++ pwrite + fdatasync'
export const APPEND_GROUPS = {
  'no flush': 'append, no flush',
  flush: 'append, each acknowledged from the disk'
} as const satisfies Record<Policy, string>
export const RECORDS_GROUP = 'append of records, no flush'

const RECORD_BYTES = 1000
/** A record's own header, about. */
const RECORD_OVERHEAD = 12
const BATCH_OVERHEAD = 61
/** Of a lap, at most: more would meet the kernel's own limits for pages that are not written yet. */
const LAP_BYTES = 256 * MIB
const QUICK_LAP_BYTES = 32 * MIB
/** Small batches take longer than their bytes. */
const LAP_BATCHES = 65_536
const WARM_UP_SHARE = 0.25

interface AppendPlan {
  readonly policy: Policy
  readonly batchBytes: number
  readonly logs: number
  readonly inFlight: number
  readonly quick?: boolean
}

const PLANS: readonly AppendPlan[] = [
  { policy: 'no flush', batchBytes: KIB, logs: 1, inFlight: 64 },
  { policy: 'no flush', batchBytes: 64 * KIB, logs: 1, inFlight: 1 },
  { policy: 'no flush', batchBytes: 64 * KIB, logs: 1, inFlight: 16, quick: true },
  { policy: 'no flush', batchBytes: MIB, logs: 1, inFlight: 4 },
  { policy: 'no flush', batchBytes: KIB, logs: 100, inFlight: 100 },
  { policy: 'no flush', batchBytes: 64 * KIB, logs: 100, inFlight: 100 },
  { policy: 'no flush', batchBytes: MIB, logs: 100, inFlight: 8 },
  { policy: 'flush', batchBytes: KIB, logs: 1, inFlight: 64 },
  { policy: 'flush', batchBytes: 64 * KIB, logs: 1, inFlight: 1 },
  { policy: 'flush', batchBytes: 64 * KIB, logs: 1, inFlight: 16, quick: true },
  { policy: 'flush', batchBytes: MIB, logs: 1, inFlight: 4 },
  { policy: 'flush', batchBytes: 64 * KIB, logs: 100, inFlight: 100 }
]
const RECORDS = 64

export function appendCases(stage: Stage): Case[] {
  const plans = stage.quick ? PLANS.filter(({ quick }) => quick) : PLANS
  return [...plans.flatMap((plan) => batchCases(stage, plan)), ...recordCases(stage)]
}

function batchCases(stage: Stage, plan: AppendPlan): Case[] {
  const { policy, batchBytes, logs, inFlight } = plan
  const { batch, records } = batchOf(batchBytes)
  const common = {
    group: APPEND_GROUPS[policy],
    name: `${sizeText(batchBytes)} batches, ${logsText(logs)}, ${inFlight === 1 ? 'one at a time' : `${inFlight} in flight`}`,
    parameters: { batchBytes, logs, inFlight, flush: policy }
  }
  const appends = { plan, values: [batch], valueBytes: batch.length }
  const loop = (): Promise<Measured> => measuredLoop(() => bareLoop(stage, plan, batch.length))
  return [
    { ...common, subject: SLUICE, run: () => laps(stage, appends, (options) => openSluice({ ...options, recordsPerBatch: records })) },
    { ...common, subject: policy === 'flush' ? PWRITE_SYNC : PWRITE, run: loop },
    ...stage.kinds.map((kind) => ({ ...common, subject: kind.name, run: () => laps(stage, appends, (options) => kind.open(options)) }))
  ]
}

/** The values go in as they are, each to be found by its number. */
function recordCases(stage: Stage): Case[] {
  const plan: AppendPlan = { policy: 'no flush', batchBytes: RECORDS * RECORD_BYTES, logs: 1, inFlight: 16 }
  const values = Array.from({ length: RECORDS }, () => randomBytes(RECORD_BYTES))
  const common = {
    group: RECORDS_GROUP,
    name: `${RECORDS} records of ${RECORD_BYTES} B at a time, 16 in flight`,
    parameters: { records: RECORDS, recordBytes: RECORD_BYTES, inFlight: 16 }
  }
  const appends = { plan, values, valueBytes: RECORDS * RECORD_BYTES }
  return [
    { ...common, subject: SLUICE, run: () => laps(stage, appends, openSluice) },
    ...stage.kinds.map((kind) => ({ ...common, subject: kind.name, run: () => laps(stage, appends, (options) => kind.open(options)) }))
  ]
}

/** As many batches before each fdatasync as are in flight elsewhere. */
async function bareLoop(stage: Stage, { policy, batchBytes, logs, inFlight }: AppendPlan, bytes: number) {
  const dir = await mkdtemp(path.join(stage.folder, 'bare-'))
  try {
    const loops = await stage.loops()
    const sync = policy === 'flush'
    return await loops.append({
      dir,
      batchBytes: bytes,
      bytes: lapBytes(stage, batchBytes),
      seconds: stage.seconds,
      logs,
      group: inFlight,
      sync
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface Appends {
  readonly plan: AppendPlan
  /** What one append takes. */
  readonly values: readonly Buffer[]
  readonly valueBytes: number
}

async function laps(stage: Stage, appends: Appends, open: (options: StoreOptions) => Promise<Store>): Promise<Measured> {
  const { plan, valueBytes } = appends
  const bytes = lapBytes(stage, plan.batchBytes)
  const meter = new Meter()
  const latencies: number[] = []
  let done = 0
  await lap(stage, appends, open, {
    bytes: bytes * WARM_UP_SHARE,
    seconds: stage.seconds * WARM_UP_SHARE,
    latencies: [],
    meter: new Meter()
  })
  while (meter.seconds < stage.seconds) {
    stage.signal.throwIfAborted()
    done += await lap(stage, appends, open, { bytes, seconds: stage.seconds - meter.seconds, latencies, meter })
  }
  return { figures: { ...meter.figures(done * valueBytes, done), ...latencyFigures(latencies) }, otherPercent: meter.otherPercent }
}

interface Lap {
  readonly bytes: number
  readonly seconds: number
  readonly latencies: number[]
  readonly meter: Meter
}

/** The number of appends. A lap that flushes, which may take long, ends when there is no time left. */
async function lap(
  stage: Stage,
  { plan, values, valueBytes }: Appends,
  open: (options: StoreOptions) => Promise<Store>,
  limits: Lap
): Promise<number> {
  const { policy, logs, inFlight } = plan
  const folder = await mkdtemp(path.join(stage.folder, 'append-'))
  const store = await open({ folder, logs, policy })
  const most = Math.ceil(limits.bytes / valueBytes)
  let next = 0
  try {
    // Files and tables that are made with the first value are there before it counts.
    for (let log = 0; log < logs; log++) await store.append(log, values)
    await limits.meter.count(async () => {
      const until = policy === 'flush' ? performance.now() + limits.seconds * 1000 : Infinity
      const worker = async (): Promise<void> => {
        for (let begun = performance.now(); next < most && begun < until;) {
          await store.append(next++ % logs, values)
          const now = performance.now()
          limits.latencies.push(now - begun)
          begun = now
        }
      }
      await Promise.all(Array.from({ length: inFlight }, worker))
    })
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
  return next
}

function lapBytes({ quick }: Stage, batchBytes: number): number {
  return Math.min(quick ? QUICK_LAP_BYTES : LAP_BYTES, batchBytes * LAP_BATCHES)
}

/** A batch of at most so many bytes, closely, with its number of records. */
export function batchOf(bytes: number): { readonly batch: Buffer; readonly records: number } {
  const valueBytes = Math.min(RECORD_BYTES, bytes - BATCH_OVERHEAD - RECORD_OVERHEAD)
  const records = Math.max(1, Math.floor((bytes - BATCH_OVERHEAD) / (valueBytes + RECORD_OVERHEAD)))
  const value = randomBytes(valueBytes)
  const batch = buildBatch(
    Array.from({ length: records }, () => ({ value })),
    { timestamp: Date.now() }
  )
  return { batch, records }
}

export function sizeText(bytes: number): string {
  return bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`
}

export function logsText(logs: number): string {
  return logs === 1 ? '1 log' : `${logs} logs`
}
