/**
 * Latency at a fixed rate. The load is an open loop: a record is due at its time, whatever became of the ones before, and its latency counts from
 * there; so a broker that stalls is charged for all that waits behind the stall.
 */
import type { Latency, LatencyResult } from '../lib/load.js'
import type { Case } from '../lib/rounds.js'
import { KIB } from '../lib/units.js'
import type { Measured, Stage, Subject } from './stage.js'

const ACKS = [
  [1, 'acks=1'],
  [-1, 'acks=all']
] as const
/** Records a second: far below what either broker can do, so that no queue builds up by itself. */
const RATE = 1000
const SAMPLES = 50_000
const SAMPLES_QUICK = 4000

interface Run {
  readonly result: LatencyResult
  readonly otherPercent?: number
}

/** One run gives two cases: until a waiting consumer has the record, and until the producer has its acknowledgement. */
export function latencyCases(stage: Stage): Case[] {
  const samples = stage.options.quick ? SAMPLES_QUICK : SAMPLES
  return ACKS.flatMap(([acks, name]) => {
    const runs = new Map<Subject, Run>()
    const measure = async (subject: Subject): Promise<Run> => {
      const turn = await stage.turn(subject)
      return stage.withTopic(turn, 1, async (topic) => {
        const { bootstrap } = turn.broker
        const { figures: _, ...run } = await stage.measured(turn, (control) =>
          stage.load.latency({ bootstrap, topic, recordBytes: KIB, acks, samples, rate: RATE }, control)
        )
        return run
      })
    }
    const delivered = async (subject: Subject): Promise<Measured> => {
      const run = await measure(subject)
      runs.set(subject, run)
      return latencyRound(run.result.latency, run)
    }
    const acknowledged = async (subject: Subject): Promise<Measured> => {
      const run = runs.get(subject) ?? (await measure(subject))
      runs.delete(subject)
      if (run.result.acknowledged === undefined) throw new Error('no acknowledgement was timed')
      return latencyRound(run.result.acknowledged, run)
    }
    const parameters = { recordBytes: KIB, acks, rate: RATE, samples }
    return [
      ...stage.cases('latency, produce to fetch', `1 KiB, ${name}, ${RATE} records/s`, parameters, delivered),
      ...stage.cases('latency, produce to acknowledgement', `1 KiB, ${name}, ${RATE} records/s`, parameters, acknowledged)
    ]
  })
}

function latencyRound({ p50, p99, p999, max, histogram }: Latency, { otherPercent }: Run): Measured {
  return { figures: { p50, p99, p999, max }, histogram, ...(otherPercent === undefined ? {} : { otherPercent }) }
}
