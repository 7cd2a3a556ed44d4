/**
 * What a fetch costs on a broker of many partitions: of one of them; of all, named in the request; and of all, in a fetch session (KIP-227) that
 * names none. The last two have to look at each partition, so that their cost grows with the number: what should stay is the cost of each.
 */
import type { BenchBroker } from '../lib/broker.js'
import { startSluice } from '../lib/broker.js'
import type { Case } from '../lib/rounds.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { RawClient } from '../../test/support/raw-client.js'
import { ClosedLoop } from './closed-loop.js'
import { WARM_UP, warmUp } from './deliveries.js'
import { FETCH_VERSION, fetchBody, fetchFrame, produceFrame, sessionFetch } from './frames.js'
import { type AtEnd, atRest, type Measured, measureLoop, quiet, type Scale, withRest } from './measure.js'

const COUNTS = [1, 10, 100, 1000, 5000]
const QUICK_COUNTS = [1, 100, 500]
const TOPIC = 'many'
const RECORD_BYTES = 1000
/** One record in each partition, or a request for thousands would be about megabytes of records. */
const FETCH_BYTES = 4096
const FULL = 0

export function partitionCases({ seconds, quick }: Scale, atEnd: AtEnd): Case[] {
  const brokers = new Brokers(seconds, atEnd)
  return (quick ? QUICK_COUNTS : COUNTS).flatMap((partitions) =>
    KINDS.map(({ group, measure }): Case => ({
      group,
      name: partitions === 1 ? '1 partition' : `${partitions.toLocaleString('en-US')} partitions`,
      subject: 'Sluice',
      parameters: { partitions },
      run: async () => measure(await brokers.take(partitions), partitions, seconds)
    }))
  )
}

interface Kind {
  readonly group: string
  readonly measure: (broker: BenchBroker, partitions: number, seconds: number) => Promise<Measured>
}

const KINDS: readonly Kind[] = [
  {
    group: 'a fetch of one partition of many',
    measure: async (broker, partitions, seconds) => {
      const rest = await atRest(broker, seconds)
      const frames = Array.from({ length: Math.min(partitions, 64) }, (_, number) =>
        fetchFrame({ topic: TOPIC, partitions: { only: Math.floor((number * partitions) / 64) % partitions }, maxBytes: FETCH_BYTES })
      )
      let turn = 0
      return withRest(rest, await measureLoop(broker, () => frames[turn++ % frames.length]!, seconds, RECORD_BYTES))
    }
  },
  {
    group: 'a fetch that names all partitions',
    measure: async (broker, partitions, seconds) => {
      const frame = fetchFrame({ topic: TOPIC, partitions, maxBytes: FETCH_BYTES })
      return perPartition(await measureLoop(broker, () => frame, seconds, RECORD_BYTES), partitions)
    }
  },
  {
    group: 'a fetch session of all partitions, nothing new',
    measure: async (broker, partitions, seconds) => {
      const sessionId = await openSession(broker, partitions)
      return perPartition(await measureLoop(broker, sessionFetch(TOPIC, sessionId), seconds), partitions)
    }
  }
]

function perPartition({ figures, ...rest }: Measured, partitions: number): Measured {
  return { ...rest, figures: { ...figures, cpuPerPartition: figures.cpuPerRequest! / partitions } }
}

/** A session at the end of all partitions. */
async function openSession(broker: BenchBroker, partitions: number): Promise<number> {
  const client = await RawClient.connect(broker)
  try {
    const answer = await client.request(fetch, FETCH_VERSION, fetchBody({ topic: TOPIC, partitions, sessionEpoch: FULL }, 1))
    const wrong =
      answer.errorCode !== 0 ||
      answer.sessionId === 0 ||
      answer.responses.some((topic) => topic.partitions.some(({ errorCode }) => errorCode !== 0))
    if (wrong) throw new Error('the broker opens no fetch session')
    return answer.sessionId
  } finally {
    client.close()
  }
}

/** One broker for each number of partitions; those whose turn it is not are stopped in their tracks. */
class Brokers {
  readonly #brokers = new Map<number, BenchBroker>()
  readonly #seconds: number
  readonly #atEnd: AtEnd

  constructor(seconds: number, atEnd: AtEnd) {
    this.#seconds = seconds
    this.#atEnd = atEnd
  }

  async take(partitions: number): Promise<BenchBroker> {
    for (const [number, broker] of this.#brokers) if (number !== partitions) broker.pause()
    const known = this.#brokers.get(partitions)
    await known?.resume()
    const broker = known ?? (await this.#start(partitions))
    await quiet(broker)
    return broker
  }

  async #start(partitions: number): Promise<BenchBroker> {
    const broker = await startSluice({ topics: [{ name: TOPIC, partitions }, { name: WARM_UP }] })
    this.#atEnd(() => broker.stop())
    this.#brokers.set(partitions, broker)
    const filler = await ClosedLoop.connect(broker)
    for (let number = 0; number < partitions; number++) await filler.ask(produceFrame(TOPIC, number, RECORD_BYTES))
    filler.close()
    await warmUp(broker, this.#seconds)
    return broker
  }
}
