/**
 * One measurement by Benchmark.js.
 *
 * Benchmark.js counts how often a function runs in samples of at least 50 ms. Its weak side is asynchronous work: a deferred iteration begins
 * when the one before it has been resolved, so that nothing overlaps, and the way through its machinery is part of the time (the suite
 * `floor` shows how much). Therefore what may overlap overlaps within one iteration, which does many operations (`operations` of a
 * comparison); and an iteration that returns a promise is awaited REPEATED times for each of Benchmark.js's. The promise itself stays in
 * the time: who calls an asynchronous function pays for it. Times are the median of the samples, not the mean: a pause of the machine
 * lands in few of them.
 */
import Benchmark from 'benchmark'
import type { Case } from '../lib/rounds.js'
import type { Figures } from '../lib/result.js'
import { median } from '../lib/statistics.js'
import { MIB } from '../lib/units.js'
import type { Comparison, Subject } from './suite.js'

const MOST_SAMPLE_SECONDS = 0.05
const SAMPLES = 5
const REPEATED = 16

/** What the last measured iteration found: written so that the work has an effect. */
export const kept: { value: unknown } = { value: undefined }

/** One case for each subject, ours first. `seconds`: how long each is measured, each round. */
export function casesOf(comparison: Comparison, seconds: number): Case[] {
  const { group, name, parameters, subjects } = comparison
  return subjects.map((subject) => ({
    group,
    name,
    subject: subject.name,
    parameters,
    run: async () => {
      await subject.reset?.()
      const iteration = await timeOf(subject, seconds)
      return { figures: figuresOf(comparison, iteration) }
    }
  }))
}

function figuresOf({ operations = 1, bytes }: Comparison, iteration: number): Figures {
  const seconds = iteration / operations
  const figures: Figures = { time: seconds * 1e6, operations: 1 / seconds }
  return bytes === undefined ? figures : { ...figures, throughput: bytes / MIB / seconds }
}

/** Seconds of one iteration. Rejects with what it throws. */
async function timeOf(subject: Subject, seconds: number): Promise<number> {
  const first = subject.run()
  const deferred = first instanceof Promise
  await first
  return new Promise((resolve, reject) => {
    const body = deferred
      ? (iteration: { resolve(): void }) => {
          repeat(subject).then(() => iteration.resolve(), reject)
        }
      : () => {
          kept.value = subject.run()
        }
    const minTime = Math.min(MOST_SAMPLE_SECONDS, seconds / SAMPLES)
    const bench = new Benchmark(subject.name, body as never, {
      defer: deferred,
      async: true,
      maxTime: seconds,
      minSamples: SAMPLES,
      minTime
    })
    bench.on('error', () => reject((bench as unknown as { error: Error }).error))
    bench.on('complete', () => resolve(median(bench.stats.sample) / (deferred ? REPEATED : 1)))
    bench.run()
  })
}

async function repeat(subject: Subject): Promise<void> {
  for (let turn = 0; turn < REPEATED; turn++) kept.value = await subject.run()
}
