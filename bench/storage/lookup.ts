/** From an offset to the place of the batch that holds it, at random offsets of logs of very different size. */
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { LogDirectory } from '../../src/storage/index.js'
import type { Case } from '../lib/rounds.js'
import { GIB, MIB } from '../lib/units.js'
import { pseudoRandom } from '../micro/suite.js'
import { Meter, type Measured } from './measure.js'
import { SPARSE_TOPIC, writeSparseLog, type SparseLog } from './sparse-log.js'
import type { Stage } from './stage.js'
import { SLUICE } from './stores/sluice.js'
import type { Finder } from './stores/store.js'

export const LOOKUP_GROUP = 'look-up'

const SIZES: readonly (readonly [number, string])[] = [
  [MIB, '1 MiB log'],
  [64 * MIB, '64 MiB log'],
  [GIB, '1 GiB log'],
  [10 * GIB, '10 GiB log'],
  [100 * GIB, '100 GiB log']
]
const QUICK_SIZES = 2
const WANTED = 4096
/** Look-ups between two looks at the clock. */
const BETWEEN_LOOKS = 256
const WARM_UP_SHARE = 0.2

interface Target {
  readonly find: Finder['find']
  readonly wanted: readonly number[]
}

export function lookupCases(stage: Stage): Case[] {
  return SIZES.slice(0, stage.quick ? QUICK_SIZES : SIZES.length).flatMap(([bytes, name]) => {
    const folder = mkdtempOnce(stage)
    let sparse: Promise<SparseLog> | undefined
    const log = async (): Promise<SparseLog> => (sparse ??= writeSparseLog(await folder(), bytes))
    const common = { group: LOOKUP_GROUP, name, parameters: { logBytes: bytes } }
    const opened = (open: () => Promise<Finder>): (() => Promise<Measured>) => {
      let target: Promise<Target> | undefined
      return async () => {
        target ??= log().then(async ({ endOffset }) => {
          const finder = await open()
          stage.afterwards(() => finder.close())
          return { find: finder.find.bind(finder), wanted: wantedOffsets(endOffset) }
        })
        return measured(await target, stage.seconds)
      }
    }
    const ours = opened(async () => openLog(await folder()))
    const theirs = stage.kinds.map((kind) => ({
      ...common,
      subject: kind.name,
      run: opened(async () => kind.finder(await mkdtemp(path.join(stage.folder, 'finder-')), (await log()).entries))
    }))
    return [{ ...common, subject: SLUICE, run: ours }, ...theirs]
  })
}

/** Resolves to positions, as the others do. */
async function openLog(folder: string): Promise<Finder> {
  const directory = await LogDirectory.open(folder)
  const log = await directory.log(SPARSE_TOPIC, { create: false })
  return {
    find: async (offset) => (await log.regions(offset, 1))[0]!.position,
    close: () => directory.close()
  }
}

function mkdtempOnce(stage: Stage): () => Promise<string> {
  let made: Promise<string> | undefined
  return () => (made ??= mkdtemp(path.join(stage.folder, 'look-up-')))
}

function wantedOffsets(end: number): number[] {
  const random = pseudoRandom()
  return Array.from({ length: WANTED }, () => random(end))
}

async function measured(target: Target, seconds: number): Promise<Measured> {
  await lookUps(target, seconds * WARM_UP_SHARE)
  const meter = new Meter()
  const count = await meter.count(() => lookUps(target, seconds))
  const time = (meter.seconds / count) * 1e6
  return { figures: { time, operations: count / meter.seconds }, otherPercent: meter.otherPercent }
}

/** What the last one found: written so that no work is optimized away. */
export const kept = { position: 0 }

async function lookUps({ find, wanted }: Target, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let count = 0
  do {
    for (let turn = 0; turn < BETWEEN_LOOKS; turn++) {
      const found = find(wanted[count++ % WANTED]!)
      kept.position = typeof found === 'number' ? found : await found
    }
  } while (performance.now() < until)
  return count
}
