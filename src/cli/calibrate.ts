/**
 * `sluice calibrate`: where copying a response is cheaper than sendfile, and where sending it on the event loop's thread is cheaper than
 * handing it to an I/O thread, on this machine. Both ways of a size are measured directly after one another, in alternating order, round by round.
 */
import os from 'node:os'
import { brokerSetting } from '../config/settings/index.js'
import { CalibrationRig, type Cost, type Way } from './calibrate-rig.js'
import { compare, threshold, type Compared, type Pairs, type Threshold } from './calibrate-verdict.js'

export interface CalibrateOptions {
  /** Where the file of the measurement goes: the file system counts. */
  readonly temp: string
  /** About so long altogether. */
  readonly seconds: number
  readonly progress: (share: number) => void
  readonly signal?: AbortSignal
}

/** The form of `--json`. Costs are microseconds of CPU time for one response. */
export interface Calibration {
  readonly schema: 1
  readonly machine: { readonly cpu: string; readonly cores: number; readonly kernel: string; readonly node: string }
  readonly seconds: number
  readonly rounds: number
  /** First: copied. Second: sendfile. All threads. */
  readonly copy: { readonly sizes: readonly Compared[]; readonly threshold: Threshold }
  /** First: inline. Second: through an I/O thread. All threads, and the event loop's once more: a hop costs CPU, inline costs the one thread that decides. */
  readonly inline: { readonly sizes: readonly Compared[]; readonly threshold: Threshold }
  readonly settings: Readonly<Record<string, string>>
}

export const COPY_SETTING = 'sluice.transfer.copy.below.bytes'
export const INLINE_SETTING = 'sluice.transfer.inline.below.bytes'

const KiB = 1024
const COPY_SIZES = [4, 8, 16, 24, 32, 48, 64, 96, 128, 192].map((size) => size * KiB)
const INLINE_SIZES = [16, 32, 64, 96, 128, 192, 256, 384, 512].map((size) => size * KiB)
const ALWAYS_COPY = 256 * KiB
const ALWAYS_INLINE = 1024 * KiB
const ROUNDS = 7
const SHORTEST_WINDOW_MS = 5
/** Of a window: what setting the next way and taking figures needs. */
const AROUND_MS = 5

export async function calibrate({ temp, seconds, progress, signal }: CalibrateOptions): Promise<Calibration> {
  const started = performance.now()
  const windows = ROUNDS * 2 * (COPY_SIZES.length + INLINE_SIZES.length)
  const windowMs = Math.max(SHORTEST_WINDOW_MS, (seconds * 1000) / windows - AROUND_MS)
  let done = 0
  // A connection moves between threads by what it sends; in two sets of them each stays where its way of sending has it.
  const loop = await CalibrationRig.open(temp, true)
  let threads: CalibrationRig | undefined
  try {
    threads = await CalibrationRig.open(temp, false)
    const onThreads = threads
    const measure = async (way: Way): Promise<Cost> => {
      signal?.throwIfAborted()
      const cost = await (way.inlineBelowBytes === 0 ? onThreads : loop).measure(way, windowMs)
      progress(++done / windows)
      return cost
    }
    const copied = await pairs(COPY_SIZES, measure, cpuOnly, [
      { copyBelowBytes: ALWAYS_COPY, inlineBelowBytes: ALWAYS_INLINE },
      { copyBelowBytes: 0, inlineBelowBytes: ALWAYS_INLINE }
    ])
    const copy = verdict(copied, COPY_SETTING, ALWAYS_COPY)
    const { bytes: copyBelowBytes } = copy.threshold
    const inlined = await pairs(INLINE_SIZES, measure, cpuAndLoop, [
      { copyBelowBytes, inlineBelowBytes: ALWAYS_INLINE },
      { copyBelowBytes, inlineBelowBytes: 0 }
    ])
    const inline = verdict(inlined, INLINE_SETTING, ALWAYS_INLINE)
    return {
      schema: 1,
      machine: {
        cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
        cores: os.availableParallelism(),
        kernel: os.release(),
        node: process.version
      },
      seconds: (performance.now() - started) / 1000,
      rounds: ROUNDS,
      copy,
      inline,
      settings: { [COPY_SETTING]: String(copyBelowBytes), [INLINE_SETTING]: String(inline.threshold.bytes) }
    }
  } finally {
    await loop.close()
    await threads?.close()
  }
}

function verdict(measured: readonly Pairs[], setting: string, limit: number): { sizes: Compared[]; threshold: Threshold } {
  const sizes = measured.map(compare)
  return { sizes, threshold: threshold(sizes, Number(brokerSetting(setting)!.default), limit) }
}

const cpuOnly = ({ cpu }: Cost): number => cpu
const cpuAndLoop = ({ cpu, loop }: Cost): number => cpu + loop

type Thresholds = Omit<Way, 'bytes'>

async function pairs(
  sizes: readonly number[],
  measure: (way: Way) => Promise<Cost>,
  figure: (cost: Cost) => number,
  [first, second]: readonly [Thresholds, Thresholds]
): Promise<Pairs[]> {
  const found = sizes.map((bytes) => ({ bytes, first: [] as number[], second: [] as number[] }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const size of found) {
      const inFirst = async (): Promise<void> => void size.first.push(figure(await measure({ bytes: size.bytes, ...first })))
      const inSecond = async (): Promise<void> => void size.second.push(figure(await measure({ bytes: size.bytes, ...second })))
      for (const way of round % 2 === 0 ? [inFirst, inSecond] : [inSecond, inFirst]) await way()
    }
  }
  return found
}
