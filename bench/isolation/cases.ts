/** One run gives two cases: the hot fetches and the produce requests. */
import type { Latency, LoadResult } from '../lib/load.js'
import type { Round } from '../lib/result.js'
import type { Case } from '../lib/rounds.js'
import { KIB, MIB } from '../lib/units.js'
import {
  besideColdReaders,
  besideWarmReaders,
  COLD,
  HOT,
  LAYOUTS,
  openWorld,
  PRODUCED,
  READ_DELAY_MS,
  setMode,
  type Layout,
  type World
} from './world.js'

const MODES = ['auto', 'sendfile', 'splice', 'mmap', 'readwrite'] as const
const COLD_FETCHES = [4 * KIB, 64 * KIB, MIB]
const COLD_FETCHES_QUICK = [64 * KIB]
/** Requests a second, far below what the broker can do: what is measured is waiting, not work. */
const FETCH_RATE = 400
const PRODUCE_RATE = 400

export const ALONE = 'without cold readers'
/** The limit: what they read takes processors too, also where nobody waits. */
export const BESIDE_WARM = `beside ${COLD.partitions} readers of memory, as fast`
export const BESIDE = `beside ${COLD.partitions} cold readers`

export interface Options {
  readonly seconds: number
  readonly quick: boolean
  readonly signal: AbortSignal
}

type Measured = Omit<Round, 'round'>

interface Run {
  readonly fetched: LoadResult
  readonly produced: LoadResult
}

export function isolationCases(options: Options): Case[] {
  const worlds = new Map<Layout, Promise<World>>()
  const worldOf = (layout: Layout): Promise<World> => {
    const world = worlds.get(layout) ?? openWorld(layout, options.quick)
    worlds.set(layout, world)
    return world
  }
  return LAYOUTS.flatMap((layout) =>
    (options.quick ? COLD_FETCHES_QUICK : COLD_FETCHES).flatMap((fetchBytes) =>
      MODES.flatMap((mode) => casesOf({ layout, mode, fetchBytes }, () => worldOf(layout), options))
    )
  )
}

interface Shape {
  readonly layout: Layout
  readonly mode: string
  readonly fetchBytes: number
}

function casesOf({ layout, mode, fetchBytes }: Shape, world: () => Promise<World>, options: Options): Case[] {
  const runs = new Map<string, Run>()
  const name = `${mode}, cold fetches of ${fetchBytes / KIB} KiB`
  const parameters = { mode, coldFetchBytes: fetchBytes, coldReaders: COLD.partitions, readDelayMs: READ_DELAY_MS }
  const run = async (subject: string): Promise<Run> => {
    const place = await world()
    await setMode(place, mode)
    const hot = () => hotWork(place, options)
    if (subject === ALONE) return hot()
    if (subject === BESIDE_WARM) return besideWarmReaders(place, fetchBytes, options.signal, hot)
    return besideColdReaders(place, fetchBytes, options.seconds, options.signal, hot)
  }
  // The two cases of a run follow each other: whichever comes first measures for both.
  const half = (which: keyof Run, subject: string) => async (): Promise<Measured> => {
    const known = runs.get(subject)
    runs.delete(subject)
    const both = known ?? (await run(subject))
    if (known === undefined) runs.set(subject, both)
    return roundOf(both[which])
  }
  return (['fetched', 'produced'] as const).flatMap((which) =>
    [ALONE, BESIDE, BESIDE_WARM].map((subject) => ({
      group: `${which === 'fetched' ? 'hot fetches' : 'produce'}, ${layout}`,
      name,
      subject,
      parameters,
      run: half(which, subject)
    }))
  )
}

async function hotWork({ load, broker: { bootstrap } }: World, { seconds, signal }: Options): Promise<Run> {
  const { topic, partitions, bytes } = HOT
  const limit = bytes / partitions / 2
  const [fetched, produced] = await Promise.all([
    load.fetch({ bootstrap, topic, partitions, connections: 4, fetchBytes: 64 * KIB, limit, rate: FETCH_RATE, seconds }, { signal }),
    load.produce({ bootstrap, ...PRODUCED, recordBytes: KIB, connections: 4, rate: PRODUCE_RATE, seconds }, { signal })
  ])
  return { fetched, produced }
}

function roundOf({ latency, errors }: LoadResult): Measured {
  if (errors > 0) throw new Error(`${errors} requests were never answered`)
  const { p50, p99, p999, max, histogram }: Latency = latency
  return { figures: { p50, p99, p999, max }, histogram }
}
