/** What a fetch costs in logs of different size, in many small segments: at random offsets, and at the end where consumers wait. */
import { Admin } from '../lib/admin.js'
import type { BenchBroker } from '../lib/broker.js'
import { startSluice } from '../lib/broker.js'
import type { Case } from '../lib/rounds.js'
import { MIB } from '../lib/units.js'
import { pseudoRandom } from '../micro/suite.js'
import { ClosedLoop } from './closed-loop.js'
import { deliveries, WARM_UP, warmUp } from './deliveries.js'
import { movingFetch, produceFrame } from './frames.js'
import { type AtEnd, type Measured, measureLoop, quiet, type Scale } from './measure.js'

const SIZES = [1, 16, 256, 1024]
const QUICK_SIZES = [1, 16]
const SEGMENT_BYTES = MIB
/** With its header a batch is a little more than 4 KiB, so that the index names every one. */
const RECORD_BYTES = 4096
const FETCH_BYTES = 8192
const FILLERS = 8

interface Filled {
  readonly broker: BenchBroker
  readonly topic: string
  /** Batches of one record of RECORD_BYTES each that it was filled with. */
  readonly batches: number
  /** The next offset. */
  end: number
}

export function logSizeCases({ seconds, quick }: Scale, atEnd: AtEnd): Case[] {
  let broker: Promise<BenchBroker> | undefined
  const open = (): Promise<BenchBroker> => (broker ??= openBroker(seconds, atEnd))
  return (quick ? QUICK_SIZES : SIZES).flatMap((mib) => {
    let log: Promise<Filled> | undefined
    const filled = (): Promise<Filled> => (log ??= open().then((started) => fill(started, mib)))
    const common = {
      name: mib < 1024 ? `${mib} MiB` : `${mib / 1024} GiB`,
      subject: 'Sluice',
      parameters: { logBytes: mib * MIB }
    }
    const measured = (measure: (log: Filled) => Promise<Measured>) => async () => {
      const ready = await filled()
      await quiet(ready.broker)
      return measure(ready)
    }
    return [
      { ...common, group: 'a fetch at random offsets of a log', run: measured((ready) => randomly(ready, seconds)) },
      {
        ...common,
        group: 'a record to a fetch that waits at the end of a log',
        run: measured((ready) => deliveries(ready.broker, ready.topic, () => ready.end++, seconds))
      }
    ]
  })
}

async function openBroker(seconds: number, atEnd: AtEnd): Promise<BenchBroker> {
  const broker = await startSluice({ topics: [{ name: WARM_UP }], settings: { 'log.segment.bytes': String(SEGMENT_BYTES) } })
  atEnd(() => broker.stop())
  await warmUp(broker, seconds)
  return broker
}

async function fill(broker: BenchBroker, mib: number): Promise<Filled> {
  const topic = `log-${mib}`
  await Admin.with(broker.bootstrap, (admin) => admin.createTopic(topic))
  const frame = produceFrame(topic, 0, RECORD_BYTES)
  const batches = Math.floor((mib * MIB) / RECORD_BYTES)
  let sent = 0
  const worker = async (): Promise<void> => {
    const loop = await ClosedLoop.connect(broker)
    while (sent < batches) {
      sent++
      await loop.ask(frame)
    }
    loop.close()
  }
  await Promise.all(Array.from({ length: FILLERS }, worker))
  await openSegments(broker, topic, batches)
  return { broker, topic, batches, end: batches }
}

/** Reads each segment once: the first look-up in one opens its files, on a disk thread. */
async function openSegments(broker: BenchBroker, topic: string, batches: number): Promise<void> {
  const step = Math.floor(SEGMENT_BYTES / (2 * RECORD_BYTES))
  let turn = 0
  const next = movingFetch({ topic, partitions: { only: 0 }, maxBytes: FETCH_BYTES }, () => turn++ * step)
  const loop = await ClosedLoop.connect(broker)
  for (let left = Math.floor(batches / step); left > 0; left--) await loop.ask(next())
  loop.close()
}

function randomly({ broker, topic, batches }: Filled, seconds: number): Promise<Measured> {
  const random = pseudoRandom()
  const next = movingFetch({ topic, partitions: { only: 0 }, maxBytes: FETCH_BYTES }, () => random(batches))
  return measureLoop(broker, next, seconds, RECORD_BYTES)
}
