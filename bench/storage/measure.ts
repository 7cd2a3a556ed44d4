/** What several spans of work took: time, CPU of this process, and of the machine what neither it nor its children used. */
import { readFileSync } from 'node:fs'
import { cpuBetween, sampleCpu } from '../lib/process.js'
import type { Figures, Round } from '../lib/result.js'
import { percentile } from '../lib/statistics.js'
import { GIB, MIB } from '../lib/units.js'
import type { LoopResult } from './loops.js'

/** What a case gives to its round. */
export type Measured = Omit<Round, 'round'>

const TICK_SECONDS = 0.01

export class Meter {
  seconds = 0
  /** CPU seconds. */
  #cpu = 0
  #system = 0
  #others = 0

  /** Counts one span; what lies between two does not count. */
  async count<T>(work: () => Promise<T>): Promise<T> {
    const children = childCpuSeconds()
    const before = sampleCpu(process.pid)
    const value = await work()
    const use = cpuBetween(before, sampleCpu(process.pid))
    this.seconds += use.seconds
    this.#cpu += use.cpu
    this.#system += use.cpuSystem
    this.#others += use.machine - use.cpu - (childCpuSeconds() - children)
    return value
  }

  get otherPercent(): number {
    return Math.max(0, (this.#others / (this.seconds * processors())) * 100)
  }

  /** Of so many bytes in so many operations. */
  figures(bytes: number, operations: number): Figures {
    const gib = bytes / GIB
    return {
      throughput: bytes / MIB / this.seconds,
      cpu: this.#cpu / gib,
      cpuSystem: this.#system / gib,
      operations: operations / this.seconds
    }
  }
}

/** Latencies in ms. Sorts them. */
export function latencyFigures(latencies: number[]): Figures {
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
}

/** The figures of a bare loop, which is a process of its own. */
export async function measuredLoop(run: () => Promise<LoopResult>): Promise<Measured> {
  const meter = new Meter()
  const { bytes, operations, seconds, cpuUser, cpuSystem } = await meter.count(run)
  const gib = bytes / GIB
  return {
    figures: {
      throughput: bytes / MIB / seconds,
      cpu: (cpuUser + cpuSystem) / gib,
      cpuSystem: cpuSystem / gib,
      operations: operations / seconds
    },
    otherPercent: meter.otherPercent
  }
}

/** See proc_pid_stat(5): fields 16 and 17, of children that have ended. */
function childCpuSeconds(): number {
  const text = readFileSync('/proc/self/stat', 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) * TICK_SECONDS
}

function processors(): number {
  return readFileSync('/proc/stat', 'utf8').match(/^cpu\d+ /gm)?.length ?? 1
}
