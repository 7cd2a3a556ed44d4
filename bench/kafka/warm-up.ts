/**
 * Brings a broker to its working speed before anything counts. A JVM compiles its code while it runs and is several times as expensive in its
 * first seconds, so that a short warm-up would flatter whatever is compared with it: passes over all kinds of load go on until a request costs
 * hardly less than in the pass before.
 */
import type { Load, LoadResult } from '../lib/load.js'
import { KIB, MIB } from '../lib/units.js'
import type { Stage, Turn } from './stage.js'

/** Mean of the costs of a request against those of the pass before, above which a pass has brought nothing. */
const SETTLED = 0.93
/** One pass that brought nothing may be a disturbance. */
const SETTLED_PASSES = 2

type Step = (target: { bootstrap: string; topic: string }, seconds: number, control: Parameters<Load['fetch']>[1]) => Promise<LoadResult>

/** Nothing without a load generator. A broker whose CPU is not known gets two or three passes. */
export async function warmUp(stage: Stage, turn: Turn): Promise<void> {
  if (stage.options.load === undefined) return
  const { quick, seconds: wanted } = stage.options
  const [mostPasses, longest, enough] = quick ? [8, 0.7, 1] : [16, 1.5, SETTLED_PASSES]
  const seconds = Math.min(longest, wanted)
  let before: number[] = []
  let settled = 0
  for (let pass = 1; pass <= mostPasses && settled < enough; pass++) {
    const costs = await stage.withTopic(turn, PARTITIONS, (topic) => onePass(stage, turn, topic, seconds))
    if (before.length > 0 && !(meanRatio(costs, before) < SETTLED)) settled++
    before = costs
  }
}

const PARTITIONS = 4

/** CPU of a request in each kind of load. NaN where it is not known. */
async function onePass(stage: Stage, turn: Turn, topic: string, seconds: number): Promise<number[]> {
  const costs: number[] = []
  for (const step of stepsOf(stage.load)) {
    const { figures } = await stage.measured(turn, (control) => step({ bootstrap: turn.broker.bootstrap, topic }, seconds, control))
    costs.push(figures.cpuPerRequest ?? Number.NaN)
  }
  return costs
}

function stepsOf(load: Load): Step[] {
  const all = { partitions: PARTITIONS, connections: PARTITIONS }
  return [
    (target, seconds, control) => load.produce({ ...target, ...all, batchBytes: 64 * KIB, bytes: 256 * MIB, seconds }, control),
    (target, seconds, control) => load.produce({ ...target, batchBytes: 4 * KIB, inFlight: 16, bytes: 64 * MIB, seconds }, control),
    (target, seconds, control) => load.fetch({ ...target, ...all, fetchBytes: 64 * KIB, seconds, limit: 16 * MIB }, control),
    (target, seconds, control) => load.fetch({ ...target, ...all, fetchBytes: MIB, seconds, limit: 16 * MIB }, control),
    (target, seconds, control) => load.latency({ ...target, samples: Math.ceil(seconds * 1000), rate: 1000, warmup: 0 }, control)
  ]
}

/** Geometric, so that no kind of load counts for more than another. */
function meanRatio(costs: readonly number[], before: readonly number[]): number {
  const logarithms = costs.map((cost, i) => Math.log(cost / (before[i] ?? Number.NaN)))
  return Math.exp(logarithms.reduce((sum, each) => sum + each, 0) / logarithms.length)
}
