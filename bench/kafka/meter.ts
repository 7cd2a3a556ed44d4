/** What a workload cost: CPU of the broker, and how much of the machine somebody else used meanwhile. And the price of filling the page cache. */
import { closeSync, openSync, readFileSync, readdirSync, rmSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Figures } from '../lib/result.js'

const GIB = 2 ** 30
const MIB = 2 ** 20
/** USER_HZ: 100 on every Linux of today's distributions. */
const TICKS_PER_SECOND = 100

export interface Moment {
  readonly at: number
  /** CPU seconds so far: of the broker, of this program and its children that ended, of the whole machine. */
  readonly user: number
  readonly system: number
  readonly ours: number
  readonly machine: number
}

export interface Spent {
  readonly seconds: number
  /** CPU seconds of the broker. */
  readonly user: number
  readonly system: number
  /** Share of the machine that neither the broker nor this benchmark used. */
  readonly otherPercent: number
}

/** `pid`: the broker's; undefined where it is not known. */
export function moment(pid: number | undefined): Moment {
  const { user, system } = pid === undefined ? { user: 0, system: 0 } : cpuOf(pid)
  return { at: performance.now(), user, system, ours: cpuOf(process.pid, true).all, machine: machineCpu() }
}

export function spentBetween(begin: Moment, end: Moment): Spent {
  const seconds = (end.at - begin.at) / 1000
  const user = end.user - begin.user
  const system = end.system - begin.system
  const others = end.machine - begin.machine - (end.ours - begin.ours) - user - system
  return { seconds, user, system, otherPercent: (Math.max(0, others) / seconds / os.availableParallelism()) * 100 }
}

/** CPU figures for each GiB. */
export function perGib({ user, system }: Spent, bytes: number): Figures {
  const gib = bytes / GIB
  return { cpu: (user + system) / gib, cpuUser: user / gib, cpuSystem: system / gib }
}

/** Resident memory in MiB. */
export function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
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
function cpuOf(pid: number, withChildren = false): { user: number; system: number; all: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const ticks = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, withChildren ? 15 : 13)
    .map(Number)
  const [user = 0, system = 0] = ticks
  return {
    user: user / TICKS_PER_SECOND,
    system: system / TICKS_PER_SECOND,
    all: ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND
  }
}

/** Busy seconds: all but idle, waiting for a disk, and stolen by the host. Guests are counted in user and nice already. */
function machineCpu(): number {
  const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const ticks = first.split(/\s+/).slice(1, 9).map(Number)
  const busy = ticks.filter((_, field) => ![3, 4, 7].includes(field))
  return busy.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND
}
