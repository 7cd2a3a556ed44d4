/** Work that many do side by side, and what it costs the broker. */
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchBroker } from '../lib/broker.js'
import type { Figures } from '../lib/result.js'
import { percentile } from '../lib/statistics.js'
import { moment, spentBetween, type Spent } from '../kafka/meter.js'
import type { Measured } from '../kafka/stage.js'

/** Does one operation. */
export type Worker = () => Promise<void>

interface Done {
  readonly operations: number
  readonly seconds: number
  /** In ms, of each operation. */
  readonly latencies: number[]
}

/** When the workers stop: after so long, or so many operations in all where that comes first. */
export interface Until {
  readonly seconds: number
  readonly operations?: number
}

/** Longer than any case takes. */
const PATIENCE_MS = 240_000

async function work(workers: readonly Worker[], { seconds, operations: most = Infinity }: Until): Promise<Done> {
  const begun = performance.now()
  const end = begun + seconds * 1000
  const latencies: number[] = []
  let taken = 0
  const loop = async (worker: Worker): Promise<void> => {
    let now = performance.now()
    while (taken < most && now < end) {
      taken++
      const from = now
      await worker()
      now = performance.now()
      latencies.push(now - from)
    }
  }
  await patiently('the workers', Promise.all(workers.map(loop)))
  return { operations: latencies.length, seconds: (performance.now() - begun) / 1000, latencies }
}

/** What happened while `task` ran, and what it cost the broker. */
export async function spentFor<T>({ pid }: BenchBroker, task: () => Promise<T>): Promise<{ readonly done: T; readonly spent: Spent }> {
  if (pid === undefined) throw new Error('the process of the broker is not known')
  const begin = moment(pid)
  const done = await task()
  return { done, spent: spentBetween(begin, moment(pid)) }
}

/** Operations a second, what one costs the broker, and how long it takes. */
export async function measureWork(broker: BenchBroker, workers: readonly Worker[], until: Until): Promise<Measured> {
  const { done, spent } = await spentFor(broker, () => work(workers, until))
  const { operations, seconds, latencies } = done
  const figures: Figures = {
    operations: operations / seconds,
    cpuPerOperation: (spent.cpu / operations) * 1e6,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99)
  }
  return { figures, otherPercent: spent.otherPercent }
}

const MOST_PASSES = 12
const PASS_SECONDS = 1.5
/** A pass that is no faster than the fastest before by this has brought nothing. */
const FASTER = 1.05
const PASSES_WITHOUT_GAIN = 2

/** Lets the broker do the work until it gets no faster: a JVM compiles its code while it runs. */
export async function warmUp(workers: readonly Worker[], quick: boolean): Promise<void> {
  if (quick) return void (await work(workers, { seconds: 0.3 }))
  let best = 0
  let idle = 0
  for (let pass = 0; pass < MOST_PASSES && idle < PASSES_WITHOUT_GAIN; pass++) {
    const { operations, seconds } = await work(workers, { seconds: PASS_SECONDS })
    const rate = operations / seconds
    idle = rate > best * FASTER ? 0 : idle + 1
    best = Math.max(best, rate)
  }
}

/** Rejects when it takes too long. */
export async function patiently<T>(what: string, task: Promise<T>, milliseconds = PATIENCE_MS): Promise<T> {
  const late = new AbortController()
  const timer = delay(milliseconds, undefined, { signal: late.signal }).then((): never => {
    throw new Error(`${what}: not done within ${milliseconds} ms`)
  })
  try {
    return await Promise.race([task, timer])
  } finally {
    late.abort()
    timer.catch(() => {})
  }
}
