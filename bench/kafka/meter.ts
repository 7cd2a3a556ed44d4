/** What a workload cost the broker, and how much of the machine somebody else used meanwhile. And the price of filling the page cache. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { cpuBetween, otherPercent, sampleCpu, type CpuSample, type CpuUse } from '../lib/process.js'
import type { Figures } from '../lib/result.js'
import { GIB, MIB } from '../lib/units.js'

/** USER_HZ: 100 on every Linux that people run. */
const TICK_SECONDS = 0.01

export interface Moment {
  readonly broker: CpuSample
  /** CPU seconds so far of this program and of its children that ended, the load generators among them. */
  readonly ours: number
}

export interface Spent extends CpuUse {
  /** Share of the machine that neither the broker nor this benchmark used. */
  readonly otherPercent: number
}

/** Throws NoProcessError. */
export function moment(pid: number): Moment {
  return { broker: sampleCpu(pid), ours: ownCpuSeconds() }
}

export function spentBetween(begin: Moment, end: Moment): Spent {
  const use = cpuBetween(begin.broker, end.broker)
  return { ...use, otherPercent: otherPercent(use, end.ours - begin.ours) }
}

/** CPU figures for each GiB. */
export function perGib({ cpu, cpuUser, cpuSystem }: Spent, bytes: number): Figures {
  const gib = bytes / GIB
  return { cpu: cpu / gib, cpuUser: cpuUser / gib, cpuSystem: cpuSystem / gib }
}

/**
 * What it costs here and now, without any broker, to put bytes into the page cache of a new file: CPU seconds of the kernel for each GiB.
 * A virtual machine's memory that was never touched before may cost ten times as much as the write itself, which would be blamed on a broker.
 * The file is removed at once, so that the next one who writes gets these pages.
 */
export function pageCachePrice(folder: string, bytes: number): number {
  const file = path.join(folder, `floor-${process.pid}`)
  const block = Buffer.alloc(MIB / 4, 1)
  const descriptor = openSync(file, 'w')
  const before = process.cpuUsage()
  try {
    for (let written = 0; written < bytes; written += block.length) writeSync(descriptor, block)
    return process.cpuUsage(before).system / 1e6 / (bytes / GIB)
  } finally {
    closeSync(descriptor)
    rmSync(file)
  }
}

/** See proc_pid_stat(5): fields 14 and 15 are the process's own, 16 and 17 those of its children that ended. */
function ownCpuSeconds(): number {
  const text = readFileSync('/proc/self/stat', 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_SECONDS
}
