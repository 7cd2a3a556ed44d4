/**
 * What a start after a crash has to do: every batch is read and checked, the indexes are made anew. From the opening of the folder until its logs are
 * usable, beside a loop that only reads the files and computes their checksums.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { LogDirectory } from '../../src/storage/index.js'
import { openLoad } from '../lib/load.js'
import type { Case } from '../lib/rounds.js'
import { GIB, KIB, MIB } from '../lib/units.js'
import { batchOf, logsText, sizeText } from './append.js'
import { measuredLoop, Meter, type Measured } from './measure.js'
import type { Stage } from './stage.js'
import { SLUICE } from './stores/sluice.js'

export const RECOVERY_GROUP = 'recovery'
export const SCAN = 'C++ read + CRC-32C'

interface RecoveryPlan {
  readonly batchBytes: number
  readonly logs: number
  readonly cold?: boolean
  readonly quick?: boolean
}

const PLANS: readonly RecoveryPlan[] = [
  { batchBytes: 64 * KIB, logs: 1, quick: true },
  { batchBytes: 64 * KIB, logs: 4 },
  { batchBytes: KIB, logs: 1 },
  { batchBytes: 64 * KIB, logs: 1, cold: true }
]
const BYTES = GIB
const QUICK_BYTES = 64 * MIB
/** As the engine reads several logs at a time: `num.recovery.threads.per.data.dir`. */
const THREADS = 2
const FILLED_AT_ONCE = 32
const TOPIC = 'recovered'
/** What tells where a folder was in order: without them all of it is looked at. */
const SIGNS_OF_ORDER = ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']

interface Filled {
  readonly folder: string
  readonly bytes: number
  readonly files: readonly string[]
}

export function recoveryCases(stage: Stage): Case[] {
  return PLANS.filter(({ quick }) => quick || !stage.quick).flatMap((plan) => {
    const { batchBytes, logs, cold = false } = plan
    let filling: Promise<Filled> | undefined
    const filled = async (): Promise<Filled> => {
      const ready = await (filling ??= fill(stage, plan))
      if (cold) await chill(ready.files)
      return ready
    }
    const common = {
      group: RECOVERY_GROUP,
      name: `${logsText(logs)}, ${sizeText(batchBytes)} batches${cold ? ', not in the page cache' : ''}`,
      parameters: { batchBytes, logs, cache: cold ? 'cold' : 'hot' }
    }
    const loop = async (): Promise<Measured> => {
      const { files } = await filled()
      const loops = await stage.loops()
      return measuredLoop(() => loops.scan({ files, threads: Math.min(logs, THREADS) }))
    }
    return [
      { ...common, subject: SLUICE, run: async () => recovering(await filled(), logs) },
      { ...common, subject: SCAN, run: loop }
    ]
  })
}

async function fill(stage: Stage, { batchBytes, logs }: RecoveryPlan): Promise<Filled> {
  const folder = await mkdtemp(path.join(stage.folder, 'recovery-'))
  const bytes = stage.quick ? QUICK_BYTES : BYTES
  const { batch } = batchOf(batchBytes)
  const directory = await LogDirectory.open(folder)
  const files: string[] = []
  let written = 0
  for (let partition = 0; partition < logs; partition++) {
    const log = await directory.log(TOPIC, { partition })
    for (const end = (bytes / logs) * (partition + 1); written < end;) {
      const turn = Array.from({ length: FILLED_AT_ONCE }, () => log.appendBatch(batch))
      await Promise.all(turn)
      written += turn.length * batch.length
    }
    files.push(...log.segments().map(({ file }) => file))
  }
  await directory.close()
  return { folder, bytes: written, files }
}

async function chill(files: readonly string[]): Promise<void> {
  const load = await openLoad()
  const { residentBytes } = await load.dropCache(files)
  if (residentBytes > 0) throw new Error(`${residentBytes} bytes stay in the page cache`)
}

async function recovering({ folder, bytes }: Filled, logs: number): Promise<Measured> {
  for (const name of SIGNS_OF_ORDER) await rm(path.join(folder, name), { force: true })
  const meter = new Meter()
  const directory = await meter.count(async () => {
    const opened = await LogDirectory.open(folder)
    await Promise.all(Array.from({ length: logs }, (_, partition) => opened.log(TOPIC, { partition, create: false })))
    return opened
  })
  await directory.close()
  return { figures: meter.figures(bytes, 1), otherPercent: meter.otherPercent }
}
