/** What the cases share: a slow disk, and on it a broker with a cold topic, beside which a hot one and a producer are measured. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readStatus } from '../../src/cli/status-client.js'
import { Admin } from '../lib/admin.js'
import { startSluice, type BenchBroker } from '../lib/broker.js'
import { atEnd } from '../lib/ending.js'
import { openLoad, type Load } from '../lib/load.js'
import { mountSlowFs, type SlowFs } from '../lib/slowfs.js'
import { KIB, MIB } from '../lib/units.js'

/** Where the hot topic and the produced one are: on the slow disk too, but in the page cache, or on a disk of their own. */
export type Layout = 'same disk' | 'another disk'
export const LAYOUTS: readonly Layout[] = ['same disk', 'another disk']

export const COLD = { topic: 'cold', partitions: 50, batchBytes: 4 * KIB }
export const HOT = { topic: 'hot', partitions: 4, batchBytes: 64 * KIB, bytes: 64 * MIB }
export const PRODUCED = { topic: 'produced', partitions: 4, batchBytes: 4 * KIB }

/** What a read of the disk takes. */
export const READ_DELAY_MS = 200
/** What the readers of memory read again and again, of each partition. */
const WARM_BYTES = MIB
/** Longer than any case: the readers are ended. */
const READERS_SECONDS = 3600
/** Of the time that is measured, the least share in which some reader waited for the disk. */
const LEAST_WAITING = 0.8

export interface World {
  readonly load: Load
  readonly disk: SlowFs
  readonly broker: BenchBroker
  /** Fetches a second that the cold readers managed last, by the size of their fetches. */
  readonly coldRates: Map<number, number>
}

/** Mounts, starts and fills. Everything is undone at the end of the benchmark, in the order that lets the mount go. */
export async function openWorld(layout: Layout, quick: boolean): Promise<World> {
  const load = await openLoad()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-bench-isolation-'))
  const disk = await mountSlowFs(folder)
  let broker: BenchBroker | undefined
  let ended = false
  const end = async () => {
    if (ended) return
    ended = true
    await disk.clear().catch(() => {})
    await broker?.stop()
    await disk.unmount()
    await rm(folder, { recursive: true, force: true })
    forget()
  }
  const forget = atEnd(end, () => {})
  try {
    const coldBytesOfPartition = quick ? 2 * MIB : 8 * MIB
    const slow = path.join(disk.folder, 'data')
    const fast = path.join(folder, 'fast')
    await mkdir(fast)
    broker = await startSluice({ dir: slow, topics: [{ name: COLD.topic, partitions: COLD.partitions }] })
    await load.produce({
      bootstrap: broker.bootstrap,
      ...COLD,
      recordBytes: KIB,
      connections: 2,
      bytes: coldBytesOfPartition * COLD.partitions
    })
    await broker.stop()
    // New partitions go to the folder that has the fewest: what is created from here on lies in the fast one, where there is one.
    broker = await startSluice({
      dir: layout === 'same disk' ? slow : `${slow},${fast}`,
      topics: [HOT, PRODUCED].map(({ topic, partitions }) => ({ name: topic, partitions }))
    })
    await load.produce({ bootstrap: broker.bootstrap, ...HOT, recordBytes: KIB, connections: 1 })
    return { load, disk, broker, coldRates: new Map() }
  } catch (error) {
    await end()
    throw error
  }
}

/** Sets the path of record bytes in the running broker. */
export async function setMode({ broker }: World, mode: string): Promise<void> {
  await Admin.with(broker.bootstrap, (admin) => admin.alterConfigs({ type: 'broker', name: null }, { 'sluice.transfer.mode': mode }))
}

/**
 * Runs `work`, which is to take so many seconds, while as many readers as the cold topic has partitions fetch from it, each from a partition of
 * its own. Rejects when they did not wait for the disk meanwhile: then nothing was measured.
 */
export async function besideColdReaders<T>(
  { load, disk, broker, coldRates }: World,
  fetchBytes: number,
  seconds: number,
  signal: AbortSignal,
  work: () => Promise<T>
): Promise<T> {
  const { topic, partitions } = COLD
  const ending = new AbortController()
  const makeCold = async () => {
    await disk.drop(`${topic}-`)
    // Only of the cold topic: should the machine evict a hot page (some virtual machines take memory back), that is not what is asked here.
    await disk.set({ operation: 'read', delayMs: READ_DELAY_MS, match: `${topic}-` })
  }
  const readers = load.fetch(
    { bootstrap: broker.bootstrap, topic, partitions, connections: partitions, fetchBytes, seconds: READERS_SECONDS },
    { signal: AbortSignal.any([signal, ending.signal]), nice: true, onReady: makeCold }
  )
  readers.catch(() => {})
  try {
    while ((await disk.stats()).read.waiting === 0) await Promise.race([delay(10, undefined, { signal }), readers])
    // Not of the work's own time: a broker that stalls takes longer, and the readers may be through with their data by then.
    const waited = waitingShare(disk, seconds, signal)
    const [fetches, since] = [await coldFetches(broker), performance.now()]
    const result = await work()
    coldRates.set(fetchBytes, ((await coldFetches(broker)) - fetches) / ((performance.now() - since) / 1000))
    if ((await waited) < LEAST_WAITING) throw new Error('the cold readers hardly waited for the disk: nothing is measured')
    return result
  } finally {
    ending.abort()
    await readers.catch(() => {})
    await disk.clear()
  }
}

/**
 * The same beside as many readers that fetch as much and as often, but from memory: what the machine's processors do to the hot work, whoever
 * waits for a disk. Rejects until besideColdReaders has told how often that is.
 */
export async function besideWarmReaders<T>(
  { load, broker, coldRates }: World,
  fetchBytes: number,
  signal: AbortSignal,
  work: () => Promise<T>
): Promise<T> {
  const { topic, partitions } = COLD
  const rate = coldRates.get(fetchBytes)
  if (rate === undefined) throw new Error('the cold readers have not told how often they fetch')
  const ending = new AbortController()
  const own = AbortSignal.any([signal, ending.signal])
  const limit = WARM_BYTES
  const fetch = { bootstrap: broker.bootstrap, topic, partitions, connections: partitions, fetchBytes, limit }
  // Once round at least, so that it is in memory.
  await load.fetch({ ...fetch, seconds: 1 }, { signal: own })
  const readers = load.fetch({ ...fetch, rate, seconds: READERS_SECONDS }, { signal: own, nice: true })
  readers.catch(() => {})
  try {
    await Promise.race([delay(200, undefined, { signal }), readers])
    return await work()
  } finally {
    ending.abort()
    await readers.catch(() => {})
  }
}

async function coldFetches({ dir = '' }: BenchBroker): Promise<number> {
  const { topics } = await readStatus(dir.split(','))
  return topics.find(({ name }) => name === COLD.topic)?.fetches ?? 0
}

async function waitingShare(disk: SlowFs, seconds: number, signal: AbortSignal): Promise<number> {
  let samples = 0
  let waiting = 0
  for (const until = performance.now() + seconds * 1000; performance.now() < until; samples++) {
    if ((await disk.stats()).read.waiting > 0) waiting++
    await delay(50, undefined, { signal })
  }
  return waiting / samples
}
