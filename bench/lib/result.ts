/**
 * What a benchmark leaves behind: the form of its JSON, from which terminal table, HTML page and history line are made.
 *
 * A suite measures *cases*. Cases of the same group and name differ only in their *subject* (a broker, a transfer path, an idiom), and are
 * compared with each other, round by round. Every figure keeps the value of each round; medians and verdicts are computed when they are shown.
 */

/** What a figure counts, which decides how it is printed and which direction is better. */
export type Unit = 'MiB/s' | 'CPU-s/GiB' | 'calls/GiB' | 'ms' | 'us' | 'MiB' | 'bytes' | '%' | 'ops/s' | 'count'

export interface FigureSpec {
  readonly unit: Unit
  readonly better: 'higher' | 'lower' | 'neither'
  /** A few words for the table's head and the plot's axis. */
  readonly label: string
}

/** Every figure that a suite may report, by its key in `Figures`. */
export const FIGURES = {
  throughput: { unit: 'MiB/s', better: 'higher', label: 'throughput' },
  requests: { unit: 'ops/s', better: 'higher', label: 'requests' },
  cpu: { unit: 'CPU-s/GiB', better: 'lower', label: 'CPU' },
  cpuUser: { unit: 'CPU-s/GiB', better: 'lower', label: 'CPU, user' },
  cpuSystem: { unit: 'CPU-s/GiB', better: 'lower', label: 'CPU, system' },
  cpuPerRequest: { unit: 'us', better: 'lower', label: 'CPU per request' },
  cpuPerPartition: { unit: 'us', better: 'lower', label: 'CPU per partition' },
  cpuPerOperation: { unit: 'us', better: 'lower', label: 'CPU per operation' },
  cpuTime: { unit: 'ms', better: 'lower', label: 'CPU time' },
  cpuPercent: { unit: '%', better: 'lower', label: 'CPU of one core' },
  systemCalls: { unit: 'calls/GiB', better: 'lower', label: 'system calls' },
  sendfileBytes: { unit: 'bytes', better: 'neither', label: 'by sendfile' },
  spliceBytes: { unit: 'bytes', better: 'neither', label: 'by splice' },
  mmapBytes: { unit: 'bytes', better: 'neither', label: 'by mmap' },
  readwriteBytes: { unit: 'bytes', better: 'neither', label: 'by read/write' },
  p50: { unit: 'ms', better: 'lower', label: 'p50' },
  p99: { unit: 'ms', better: 'lower', label: 'p99' },
  p999: { unit: 'ms', better: 'lower', label: 'p99.9' },
  max: { unit: 'ms', better: 'lower', label: 'max' },
  startup: { unit: 'ms', better: 'lower', label: 'start' },
  shutdown: { unit: 'ms', better: 'lower', label: 'stop' },
  create: { unit: 'ms', better: 'lower', label: 'create' },
  settled: { unit: 'ms', better: 'lower', label: 'time until settled' },
  rss: { unit: 'MiB', better: 'lower', label: 'RSS' },
  rssAbove: { unit: 'MiB', better: 'lower', label: 'RSS above empty' },
  openFiles: { unit: 'count', better: 'lower', label: 'open files' },
  operations: { unit: 'ops/s', better: 'higher', label: 'operations' },
  time: { unit: 'us', better: 'lower', label: 'time per operation' }
} as const satisfies Record<string, FigureSpec>

export type FigureName = keyof typeof FIGURES
export type Figures = Partial<Record<FigureName, number>>

export interface Round {
  readonly round: number
  readonly figures: Figures
  /** Share of the machine that was used by processes outside the benchmark meanwhile, in percent: high means that the round was disturbed. */
  readonly otherPercent?: number
  /**
   * CPU-s/GiB that filling the page cache took on this machine directly before a write test, without any broker. Above 0.6 the memory was cold
   * (a virtual machine's that was never touched), the round's figures tell more about the machine than about the broker, and it is disturbed.
   */
  readonly floor?: number
  /** Latency counts for a plot: [upper bound in ms, samples] rows in rising order. */
  readonly histogram?: readonly (readonly [number, number])[]
}

export interface Measurement {
  /** Heading under which cases stand: "fetch, hot page cache", "produce". */
  readonly group: string
  /** The case, equal for all subjects that are compared: "64 KiB, 4 consumers". */
  readonly name: string
  /** "sendfile", "read/write", "Sluice", "Apache Kafka 4.3.1", "Node fs.read + socket.write". */
  readonly subject: string
  /** For plots: the numbers behind the name, such as { fetchBytes: 65536, consumers: 4 }. */
  readonly parameters: Readonly<Record<string, number | string>>
  readonly rounds: readonly Round[]
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryMiB: number
  readonly kernel: string
  readonly filesystem: string
}

export interface BenchmarkResult {
  readonly schema: 1
  readonly suite: 'paths' | 'kafka' | 'coordinator' | 'micro' | 'isolation' | 'scale' | 'storage'
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly seconds: number
  /** The command that repeats it. */
  readonly command: string
  readonly machine: Machine
  /** "sluice" → "0.1.0 (4d60410)", "node" → "v20.20.2", "Apache Kafka" → "4.3.1". */
  readonly versions: Readonly<Record<string, string>>
  /** When acknowledged data reaches the disk, in words, per subject where they differ. */
  readonly flushPolicy: string
  readonly transferMode: string
  /** Brokers: which of them ran while one was measured, how they were started and warmed up, in words. */
  readonly turns?: string
  /** The subject that others are compared with. */
  readonly baseline: string
  /** Subjects that mark what is possible and are no choice, such as a server that answers canned bytes: shown, but never called the best. */
  readonly limits?: readonly string[]
  readonly measurements: readonly Measurement[]
  /** What was left out and why, one sentence each: "Apache Kafka: no Maven on this machine". */
  readonly leftOut: readonly string[]
}
