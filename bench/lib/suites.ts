/** What each suite is called, how it is started, what it asks, and what its figures can not show. */
import type { BenchmarkResult, FigureName } from './result.js'

export type Suite = BenchmarkResult['suite']

/** As npm knows them. */
export const SUITE_SCRIPTS: Readonly<Record<Suite, string>> = {
  paths: 'bench',
  kafka: 'bench:kafka',
  coordinator: 'bench:coordinator',
  micro: 'bench:micro',
  isolation: 'bench:isolation',
  scale: 'bench:scale',
  storage: 'bench:storage'
}

export const SUITE_TITLES: Readonly<Record<Suite, string>> = {
  paths: 'Ways from the page cache to the socket',
  kafka: 'Brokers side by side',
  coordinator: 'Groups and transactions, brokers side by side',
  micro: 'Micro benchmarks',
  isolation: 'Hot work beside cold readers',
  scale: 'Cost as the work grows',
  storage: 'The storage engine as a library'
}

/** What a suite asks of every case: a figure's ratio to the baseline that is not to be exceeded. */
export const SUITE_BOUNDS: Readonly<Partial<Record<Suite, { readonly figure: FigureName; readonly most: number }>>> = {
  isolation: { figure: 'p99', most: 2 }
}

/** What a suite asks of certain cases. */
export interface Target {
  /** The beginning of it. */
  readonly group: string
  /** Of the case. Default: all of the group. */
  readonly name?: RegExp
  readonly figure: FigureName
  /** Default: the baseline. */
  readonly subject?: string
  /** The subject by whose figure ours is divided, round by round; one that begins so. Without it the figure itself counts. */
  readonly of?: string
  /** One of the two. */
  readonly least?: number
  readonly most?: number
}

export const SUITE_TARGETS: Readonly<Partial<Record<Suite, readonly Target[]>>> = {
  coordinator: [
    { group: 'offset commits', figure: 'operations', subject: 'Sluice', of: 'Apache Kafka', least: 1 },
    { group: 'transactions', figure: 'operations', subject: 'Sluice', of: 'Apache Kafka', least: 1 },
    { group: 'idle members', figure: 'cpuPerOperation', subject: 'Sluice', most: 25 },
    { group: 'idle members', figure: 'rssAbove', subject: 'Sluice', most: 100 },
    { group: 'joins', figure: 'settled', subject: 'Sluice', of: 'Apache Kafka', most: 1 },
    { group: 'restart', figure: 'startup', subject: 'Sluice', most: 2000 }
  ],
  storage: [
    { group: 'append, no flush', name: /^64 KiB .*in flight$/, figure: 'throughput', of: 'C++', least: 0.8 },
    { group: 'append, each', name: /in flight$/, figure: 'throughput', of: 'C++', least: 0.8 },
    { group: 'look-up', figure: 'time', most: 2 },
    { group: 'recovery', figure: 'throughput', of: 'C++', least: 0.7 },
    { group: 'compaction', figure: 'throughput', of: 'Apache Kafka', least: 1 }
  ]
}

/** The question that a suite answers, for the page. */
export const SUITE_QUESTIONS: Readonly<Record<Suite, string>> = {
  paths:
    'What do sendfile, splice, mmap and read/write cost and give, with the same broker, log and readers? Beside them: what Node programs usually write, and a C++ server that answers every fetch with canned bytes by a bare sendfile loop, as the limit.',
  kafka: 'What does the same work cost one broker and another, with the same log contents, requests and generator?',
  coordinator:
    'What do offsets, transactions, members that do nothing, joins and a restart with many offsets take on one broker and another?',
  micro: 'What does one step cost, next to the obvious alternative?',
  isolation:
    'Do readers that wait for a slow disk slow down those whose data is in memory? Asked for is a p99 of at most 2 × what it is without them.',
  scale: 'Does a fetch cost more with more connections, more partitions or a longer log?',
  storage:
    'What do appending, finding, reading, recovering and compacting cost a program that keeps logs with this engine? Beside it: bare C++ loops over the same system calls, as the limit, and what a Node program would pick instead.'
}
