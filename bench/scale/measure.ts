/** Measures one closed loop against a broker: what a request costs the broker, and how long it takes. */
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchBroker } from '../lib/broker.js'
import { cpuBetween, memoryOf, openFilesOf, otherPercent, sampleCpu } from '../lib/process.js'
import type { Figures, Round } from '../lib/result.js'
import { percentile } from '../lib/statistics.js'
import { ClosedLoop, type LoopResult } from './closed-loop.js'

export interface Scale {
  /** How long each case is measured in each round, after a fifth of it to get warm. */
  readonly seconds: number
  /** Fewer and smaller points of each curve. */
  readonly quick: boolean
}

/** Takes what undoes something: the newest is called first when everything has been measured. */
export type AtEnd = (undo: () => Promise<void>) => void

const WARM_SHARE = 0.2
const QUIET_SHARE = 0.03
const QUIET_MS = 100
const QUIET_PATIENCE_MS = 10_000

/** What a case gives to its round. */
export type Measured = Omit<Round, 'round'>

/** The process of a broker that was started here. */
export function pidOf({ pid }: BenchBroker): number {
  if (pid === undefined) throw new Error('the process of the broker is not known')
  return pid
}

/** Waits until the broker has done what it was given: starting, opening connections, writing. */
export async function quiet(broker: BenchBroker): Promise<void> {
  const until = performance.now() + QUIET_PATIENCE_MS
  while (performance.now() < until) {
    const before = sampleCpu(pidOf(broker))
    await delay(QUIET_MS)
    const { cpu, seconds } = cpuBetween(before, sampleCpu(pidOf(broker)))
    if (cpu < seconds * QUIET_SHARE) return
  }
}

/** CPU of the broker when nothing is asked of it, in percent of one core, and what it holds then. */
export async function atRest(broker: BenchBroker, seconds: number): Promise<Figures> {
  const pid = pidOf(broker)
  await quiet(broker)
  const before = sampleCpu(pid)
  await delay(seconds * 1000)
  const use = cpuBetween(before, sampleCpu(pid))
  return { cpuPercent: (use.cpu / use.seconds) * 100, rss: memoryOf(pid).rss, openFiles: openFilesOf(pid) }
}

/** Both in one round: the figures at rest, and those at work. */
export function withRest(rest: Figures, measured: Measured): Measured {
  return { ...measured, figures: { ...rest, ...measured.figures } }
}

/** `least`: the bytes that an answer must have. */
export async function measureLoop(broker: BenchBroker, next: () => Uint8Array, seconds: number, least = 0): Promise<Measured> {
  const loop = await ClosedLoop.connect(broker)
  try {
    await loop.run(next, seconds * 1000 * WARM_SHARE, least)
    return await measured(broker, () => loop.run(next, seconds * 1000, least))
  } finally {
    loop.close()
  }
}

/** As `measureLoop`, for what takes more than one request: `once` does it, and resolves to the bytes that it received. */
export async function measureSteps(broker: BenchBroker, once: () => Promise<number>, seconds: number): Promise<Measured> {
  await steps(once, seconds * 1000 * WARM_SHARE)
  return measured(broker, () => steps(once, seconds * 1000))
}

async function steps(once: () => Promise<number>, milliseconds: number): Promise<LoopResult> {
  const latencies: number[] = []
  const started = performance.now()
  let bytes = 0
  let now = started
  while (now - started < milliseconds) {
    const begun = now
    bytes += await once()
    now = performance.now()
    latencies.push(now - begun)
  }
  return {
    requests: latencies.length,
    bytes,
    seconds: (now - started) / 1000,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99)
  }
}

async function measured(broker: BenchBroker, run: () => Promise<LoopResult>): Promise<Measured> {
  const pid = pidOf(broker)
  const own = process.cpuUsage()
  const before = sampleCpu(pid)
  const { requests, seconds, p50, p99 } = await run()
  const use = cpuBetween(before, sampleCpu(pid))
  const { user, system } = process.cpuUsage(own)
  return {
    figures: { cpuPerRequest: (use.cpu / requests) * 1e6, requests: requests / seconds, p50, p99 },
    otherPercent: otherPercent(use, (user + system) / 1e6)
  }
}
