/** A record on its way: a consumer waits at the end of a partition, a producer sends, the consumer has it. */
import type { BenchBroker } from '../lib/broker.js'
import { ClosedLoop } from './closed-loop.js'
import { movingFetch, produceFrame } from './frames.js'
import { type Measured, measureLoop, measureSteps } from './measure.js'

const RECORD_BYTES = 1000
const FETCH_BYTES = 8192
/** Longer than any run. */
export const WAIT_MS = 3_600_000

/** A request of the figures is one such delivery, with both requests. `nextOffset`: the end of partition 0, one further each time. */
export async function deliveries(broker: BenchBroker, topic: string, nextOffset: () => number, seconds: number): Promise<Measured> {
  const consumer = await ClosedLoop.connect(broker)
  const producer = await ClosedLoop.connect(broker)
  try {
    const next = movingFetch({ topic, partitions: { only: 0 }, maxBytes: FETCH_BYTES, maxWaitMs: WAIT_MS }, nextOffset)
    const record = produceFrame(topic, 0, RECORD_BYTES)
    const once = async (): Promise<number> => {
      const fetched = consumer.ask(next())
      await producer.ask(record)
      const bytes = await fetched
      if (bytes < RECORD_BYTES) throw new Error(`a fetch that waited was answered with ${bytes} bytes`)
      return bytes
    }
    return await measureSteps(broker, once, seconds)
  } finally {
    consumer.close()
    producer.close()
  }
}

/** The topic for `warmUp`. */
export const WARM_UP = 'warm-up'
const MOST_WARM_SECONDS = 1

/** Lets a broker that has just started compile what will be measured: its first thousands of requests cost several times the later ones. */
export async function warmUp(broker: BenchBroker, seconds: number): Promise<void> {
  let end = 0
  const each = Math.min(seconds, MOST_WARM_SECONDS)
  await deliveries(broker, WARM_UP, () => end++, each)
  const next = movingFetch({ topic: WARM_UP, partitions: { only: 0 }, maxBytes: FETCH_BYTES }, () => 0)
  await measureLoop(broker, next, each, RECORD_BYTES)
}
