/** Throughput and its cost: produce, consume, fan-out. */
import type { Case } from '../lib/rounds.js'
import { GIB, KIB, MIB } from '../lib/units.js'
import type { Measured, Stage, Subject } from './stage.js'

interface ProduceCase {
  readonly name: string
  readonly batchBytes: number
  readonly connections: number
  readonly acks: 1 | -1
  readonly inFlight?: number
  /** Of the size that the other tests write. */
  readonly share?: number
}

const PRODUCE: readonly ProduceCase[] = [
  { name: '64 KiB batches, acks=1, 1 connection', batchBytes: 64 * KIB, connections: 1, acks: 1 },
  { name: '64 KiB batches, acks=1, 6 connections', batchBytes: 64 * KIB, connections: 6, acks: 1 },
  { name: '64 KiB batches, acks=all, 1 connection', batchBytes: 64 * KIB, connections: 1, acks: -1 },
  // message.max.bytes is 1,048,588 by default, so that a batch of 1 MiB would be near the limit: clients send up to 1,000,000.
  { name: '1 MB batches, acks=1, 1 connection', batchBytes: 1_000_000, connections: 1, acks: 1 },
  { name: '4 KiB batches, acks=1, 1 connection, 16 in flight', batchBytes: 4 * KIB, connections: 1, acks: 1, inFlight: 16, share: 1 / 4 }
]
/** An end for a broker that is very slow: the bytes are the measure. */
const PRODUCE_SECONDS = 60

/** Every test writes to a topic of its own with a partition for each connection, which is deleted before the next one. */
export function produceCases(stage: Stage): Case[] {
  const size = stage.options.quick ? 192 * MIB : GIB
  return PRODUCE.flatMap(({ name, batchBytes, connections, acks, inFlight = 5, share = 1 }) => {
    const bytes = size * share
    const load = { partitions: connections, connections, batchBytes, acks, inFlight, bytes, seconds: PRODUCE_SECONDS }
    const run = async (subject: Subject): Promise<Measured> => {
      const turn = await stage.turn(subject)
      const floor = stage.floor(bytes)
      return stage.withTopic(turn, connections, async (topic) => {
        const target = { bootstrap: turn.broker.bootstrap, topic }
        const { result: _, ...measured } = await stage.measured(turn, (control) => stage.load.produce({ ...target, ...load }, control))
        return { ...measured, floor }
      })
    }
    return stage.cases('produce', name, { batchBytes, connections, acks, inFlight, bytes }, run)
  })
}

const FETCH_SIZES: readonly (readonly [number, string])[] = [
  [64 * KIB, '64 KiB'],
  [MIB, '1 MiB'],
  [8 * MIB, '8 MiB']
]
const TAKES = { copy: 'the client copies', trunc: 'the client discards' } as const

/** Every connection reads one hot partition again and again. */
export function consumeCases(stage: Stage): Case[] {
  const bytes = readSize(stage)
  return [1, 4].flatMap((connections) =>
    (['copy', 'trunc'] as const).flatMap((take) =>
      FETCH_SIZES.flatMap(([fetchBytes, size]) => {
        const name = `${size} fetches, ${connections} connection${connections === 1 ? '' : 's'}, ${TAKES[take]}`
        const run = async (subject: Subject): Promise<Measured> => {
          const turn = await stage.turn(subject)
          const topic = await stage.keptTopic(turn, 'read', 1, bytes)
          const fetch = { bootstrap: turn.broker.bootstrap, topic, fetchBytes, connections, take, limit: bytes }
          const { result: _, ...measured } = await stage.measured(turn, (control) =>
            stage.load.fetch({ ...fetch, seconds: stage.options.seconds }, control)
          )
          return measured
        }
        return stage.cases('consume, hot page cache', name, { fetchBytes, connections, take }, run)
      })
    )
  )
}

const READERS = 4

/** Four readers, each of all four partitions: what is delivered is four times what is stored. */
export function fanOutCases(stage: Stage): Case[] {
  const bytes = readSize(stage)
  return FETCH_SIZES.slice(0, 2).flatMap(([fetchBytes, size]) => {
    const run = async (subject: Subject): Promise<Measured> => {
      const turn = await stage.turn(subject)
      const topic = await stage.keptTopic(turn, 'fan-out', READERS, bytes)
      const fetch = { bootstrap: turn.broker.bootstrap, topic, partitions: READERS, fetchBytes, connections: READERS, groups: true }
      const { result: _, ...measured } = await stage.measured(turn, (control) =>
        stage.load.fetch({ ...fetch, limit: Math.floor(bytes / READERS), seconds: stage.options.seconds }, control)
      )
      return measured
    }
    return stage.cases('fan-out', `${READERS} readers of ${READERS} partitions, ${size} fetches`, { fetchBytes, connections: READERS }, run)
  })
}

function readSize({ options: { quick } }: Stage): number {
  return quick ? 128 * MIB : 512 * MIB
}
