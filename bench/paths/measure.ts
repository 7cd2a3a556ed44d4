/** One run of one case: its figures. */
import type { Load } from '../lib/load.js'
import { cpuBetween, otherPercent, sampleCpu, traceSystemCalls, type CpuSample, type Tracing } from '../lib/process.js'
import type { Figures, Round } from '../lib/result.js'
import type { Case } from '../lib/rounds.js'
import { GIB, MIB } from '../lib/units.js'
import type { Options } from './options.js'
import { groupOf, nameOf, type PathCase } from './plan.js'
import { TOPIC, type PathBytes, type Stage, type Subject } from './stage.js'

/** Of the run under a tracer, whose time counts for nothing. */
const TRACED_SECONDS = 0.3
/** Of a cold run: it ends when all is read. */
const COLD_LIMIT_SECONDS = 60
/** A log is cold when no more of it than this is left in the page cache. */
const MOST_RESIDENT = 0.02

export interface Measuring {
  readonly load: Load
  readonly stage: Stage
  readonly options: Pick<Options, 'seconds' | 'take'>
  readonly signal: AbortSignal
  /** Gets what could not be measured; a sentence that it has is not added again. */
  readonly leftOut: Set<string>
}

/** The case of one subject. System calls are counted once, in its first round, in a run of their own. */
export function caseOf(one: PathCase, subject: Subject, measuring: Measuring): Case {
  let isCounted = one.cache === 'cold'
  return {
    group: groupOf(one),
    name: nameOf(one),
    subject: subject.name,
    parameters: { fetchBytes: one.fetchBytes, consumers: one.consumers, cache: one.cache },
    async run() {
      await subject.prepare()
      const round = await measure(one, subject, measuring)
      if (isCounted) return round
      isCounted = true
      const systemCalls = await countCalls(one, subject, measuring)
      return systemCalls === undefined ? round : { ...round, figures: { ...round.figures, systemCalls } }
    }
  }
}

/** One short run of every subject, so that none is measured while its code is still being compiled. */
export async function warmUp({ load, stage, signal }: Measuring): Promise<void> {
  const warm = new Set<number>()
  for (const subject of stage.subjects) {
    const { pid, bootstrap } = subject
    if (warm.has(pid)) continue
    warm.add(pid)
    await subject.prepare()
    for (const fetchBytes of [4096, 65536])
      await load.fetch({ bootstrap, topic: TOPIC, fetchBytes, connections: 4, seconds: 0.3, limit: 4 * MIB }, { signal })
  }
}

async function measure(one: PathCase, subject: Subject, { load, stage, options, signal }: Measuring): Promise<Omit<Round, 'round'>> {
  let before: CpuSample | undefined
  let bytesBefore: PathBytes | undefined
  const result = await load.fetch(
    {
      ...fetchOf(one, subject, options),
      ...(one.cache === 'hot' ? { seconds: options.seconds } : { once: true, seconds: COLD_LIMIT_SECONDS })
    },
    {
      signal,
      onReady: async () => {
        if (one.cache === 'cold') await chill(load, stage.segment)
        bytesBefore = await subject.pathBytes?.()
        before = sampleCpu(subject.pid)
      }
    }
  )
  const after = sampleCpu(subject.pid)
  const bytesAfter = await subject.pathBytes?.()
  const use = cpuBetween(before!, after)
  const gibibytes = result.bytes / GIB
  const { p50, p99, p999, max, histogram } = result.latency
  const figures: Figures = {
    throughput: result.bytes / MIB / result.seconds,
    requests: result.requests / result.seconds,
    cpu: use.cpu / gibibytes,
    cpuUser: use.cpuUser / gibibytes,
    cpuSystem: use.cpuSystem / gibibytes,
    cpuPerRequest: (use.cpu / result.requests) * 1e6,
    p50,
    p99,
    p999,
    max,
    ...difference(bytesBefore, bytesAfter)
  }
  return { figures, otherPercent: otherPercent(use, result.cpuUser + result.cpuSystem), histogram }
}

function fetchOf(one: PathCase, { bootstrap }: Subject, { take }: Pick<Options, 'take'>) {
  return { bootstrap, topic: TOPIC, fetchBytes: one.fetchBytes, connections: one.consumers, limit: one.logBytes, take }
}

/** Takes the log out of the page cache. Rejects when that keeps it: then nothing cold can be measured. */
export async function chill(load: Load, segment: string): Promise<void> {
  const { bytes, residentBytes } = await load.dropCache([segment])
  if (residentBytes < 0) throw new Error('the kernel does not tell what of the log is in the page cache')
  if (residentBytes > bytes * MOST_RESIDENT) {
    throw new Error(`the page cache keeps ${Math.round(residentBytes / MIB)} of ${Math.round(bytes / MIB)} MiB of the log`)
  }
}

async function countCalls(one: PathCase, subject: Subject, { load, options, signal, leftOut }: Measuring): Promise<number | undefined> {
  let tracing: Tracing | string | undefined
  let bytes = 0
  let calls: number | undefined
  try {
    const result = await load.fetch(
      { ...fetchOf(one, subject, options), seconds: TRACED_SECONDS },
      { signal, onReady: async () => void (tracing = await traceSystemCalls(subject.pid)) }
    )
    bytes = result.bytes
  } finally {
    if (typeof tracing === 'object') calls = (await tracing.finish()).total
  }
  if (typeof tracing === 'string') leftOut.add(tracing)
  return calls === undefined ? undefined : calls / (bytes / GIB)
}

function difference(before: PathBytes | undefined, after: PathBytes | undefined): Partial<PathBytes> {
  if (before === undefined || after === undefined) return {}
  return {
    sendfileBytes: after.sendfileBytes - before.sendfileBytes,
    spliceBytes: after.spliceBytes - before.spliceBytes,
    mmapBytes: after.mmapBytes - before.mmapBytes,
    readwriteBytes: after.readwriteBytes - before.readwriteBytes
  }
}
