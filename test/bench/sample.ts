/** Results as suites leave them behind, made up from a seed: the same at every run. */
import { randomFrom } from '../../src/cli/crash-disk.js'
import type { BenchmarkResult, Figures, Measurement, Round } from '../../bench/lib/result.js'

export interface SampleOptions {
  readonly rounds?: number
  /** How far rounds lie from their middle. */
  readonly noise?: number
  /** Which rounds others disturbed, from 1. */
  readonly disturbed?: readonly number[]
  readonly seed?: number
}

const KIB = 1024
const SUBJECT_COST: Readonly<Record<string, number>> = {
  'read/write': 1,
  sendfile: 0.66,
  splice: 0.78,
  mmap: 0.85,
  auto: 0.64,
  'Node fs.read + socket.write': 2.4,
  'Node fs.readSync + socket.write': 1.5,
  'Node createReadStream().pipe': 3.6,
  'C++ sendfile loop': 0.52
}

type Sampler = (figures: Figures) => Round[]

function sampler({ rounds = 5, noise = 0.04, disturbed = [], seed = 1 }: SampleOptions): Sampler {
  const random = randomFrom(seed)
  return (figures) =>
    Array.from({ length: rounds }, (_, index): Round => {
      const isDisturbed = disturbed.includes(index + 1)
      const factor = (): number => 1 + (random() - 0.5) * 2 * noise * (isDisturbed ? 6 : 1)
      const measured = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value * factor()])) as Figures
      const histogram = measured.p50 === undefined ? undefined : histogramOf(measured.p50, measured.max ?? measured.p50 * 20)
      return {
        round: index + 1,
        figures: measured,
        otherPercent: isDisturbed ? 23.4 : 0.8,
        ...(histogram === undefined ? {} : { histogram })
      }
    })
}

/** Counts that fall off towards the longest latency. */
function histogramOf(p50: number, max: number): [number, number][] {
  const buckets = 40
  return Array.from({ length: buckets }, (_, index) => {
    const share = (index + 1) / buckets
    const bound = p50 * 0.5 * (max / (p50 * 0.5)) ** share
    return [Number(bound.toPrecision(4)), Math.max(1, Math.round(50_000 * Math.exp(-((share * 5 - 0.8) ** 2) / 0.5) + 4 * (1 - share)))]
  })
}

function base(suite: BenchmarkResult['suite'], baseline: string, command: string, measurements: Measurement[]): BenchmarkResult {
  return {
    schema: 1,
    suite,
    startedAt: '2026-11-21T08:00:00.000Z',
    seconds: 1234,
    command,
    machine: { cpu: 'AMD EPYC', cores: 2, memoryMiB: 24_105, kernel: 'Linux 6.18.44', filesystem: 'ext4 (/dev/vda; rw,relatime)' },
    versions: { sluice: '0.1.0 (4d60410)', node: 'v20.20.2' },
    flushPolicy: 'by the system: no flush by interval or messages',
    transferMode: 'per subject',
    baseline,
    measurements,
    leftOut: []
  }
}

export function pathsResult(options: SampleOptions = {}): BenchmarkResult {
  const rounds = sampler(options)
  const measurements: Measurement[] = []
  for (const group of ['fetch, hot page cache', 'fetch, cold page cache'])
    for (const consumers of [1, 4, 64])
      for (const [fetchBytes, name] of [
        [4 * KIB, '4 KiB'],
        [64 * KIB, '64 KiB'],
        [1024 * KIB, '1 MiB'],
        [8192 * KIB, '8 MiB']
      ] as const)
        for (const [subject, cost] of Object.entries(SUBJECT_COST)) {
          const small = 1 + (14 * KIB) / fetchBytes
          const paid = fetchBytes < 16 * KIB && subject !== 'read/write' ? (cost + 1.1) / 2 : cost
          const cpu = 0.31 * small * paid * (group.includes('cold') ? 1.8 : 1)
          const throughput = 900 / cpu / (group.includes('cold') ? 4 : 1)
          const calls = (2 ** 30 / fetchBytes) * (subject === 'sendfile' ? 2.2 : 2) + 900
          measurements.push({
            group,
            name: `${name}, ${consumers} ${consumers === 1 ? 'consumer' : 'consumers'}`,
            subject,
            parameters: { fetchBytes, consumers },
            rounds: rounds({
              throughput,
              cpu,
              cpuUser: cpu * 0.2,
              cpuSystem: cpu * 0.8,
              systemCalls: calls,
              sendfileBytes: subject === 'sendfile' ? 2 ** 30 : 0,
              readwriteBytes: subject === 'sendfile' ? 0 : 2 ** 30,
              p50: (0.05 + fetchBytes / 2.4e9) * paid * consumers,
              p99: (0.11 + fetchBytes / 1.3e9) * paid * consumers,
              p999: (0.4 + fetchBytes / 0.9e9) * paid * consumers,
              max: (1.4 + fetchBytes / 0.5e9) * paid * consumers
            })
          })
        }
  return { ...base('paths', 'read/write', 'npm run bench -- --rounds 5', measurements), limits: ['C++ sendfile loop'] }
}

export function kafkaResult(options: SampleOptions = {}): BenchmarkResult {
  const rounds = sampler(options)
  const kafka = 'Apache Kafka 4.3.1'
  const row = (
    group: string,
    name: string,
    parameters: Record<string, number | string>,
    figures: Figures,
    factors: Figures
  ): Measurement[] => [
    { group, name, subject: kafka, parameters, rounds: rounds(figures) },
    {
      group,
      name,
      subject: 'Sluice',
      parameters,
      rounds: rounds(Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, value * (factors[key as keyof Figures] ?? 1)])))
    }
  ]
  const traffic = { throughput: 1.6, cpu: 0.4, rss: 0.12 }
  const measurements = [
    ...row(
      'produce',
      '64 KiB batches, 1 connection',
      { batchBytes: 65_536, connections: 1 },
      { throughput: 372, cpu: 2.15, rss: 1006 },
      traffic
    ),
    ...row(
      'produce',
      '64 KiB batches, 6 connections',
      { batchBytes: 65_536, connections: 6 },
      { throughput: 580, cpu: 2.11, rss: 1006 },
      traffic
    ),
    ...row(
      'produce',
      '1 MB batches, 1 connection',
      { batchBytes: 1e6, connections: 1 },
      { throughput: 798, cpu: 1.17, rss: 1180 },
      { ...traffic, cpu: 0.7 }
    ),
    ...row(
      'produce',
      '4 KiB batches, 1 connection',
      { batchBytes: 4096, connections: 1 },
      { throughput: 29.3, cpu: 27.6, rss: 1180 },
      traffic
    ),
    ...row(
      'fetch',
      '64 KiB, 1 connection',
      { fetchBytes: 65_536, connections: 1 },
      { throughput: 525, cpu: 2.3, rss: 1180 },
      { ...traffic, cpu: 0.2 }
    ),
    ...row(
      'fetch',
      '1 MiB, 1 connection',
      { fetchBytes: 2 ** 20, connections: 1 },
      { throughput: 2638, cpu: 0.285, rss: 1180 },
      { ...traffic, cpu: 0.98, throughput: 1 }
    ),
    ...row(
      'fetch',
      '8 MiB, 1 connection',
      { fetchBytes: 2 ** 23, connections: 1 },
      { throughput: 3419, cpu: 0.217, rss: 1180 },
      { ...traffic, cpu: 1.3, throughput: 0.8 }
    ),
    ...row(
      'latency, produce and fetch',
      '1 KiB, acks=1, 1,000 a second',
      { recordBytes: 1024 },
      { p50: 0.209, p99: 1.75, p999: 4.5, max: 12.6 },
      { p50: 0.5, p99: 0.4, p999: 0.7, max: 1.2 }
    ),
    ...row(
      'start and idle',
      'no topics',
      { partitions: 0 },
      { startup: 3169, rss: 379, cpuPercent: 3.9, openFiles: 148 },
      { startup: 0.05, rss: 0.2, cpuPercent: 0.1 }
    ),
    ...row(
      'start and idle',
      '1,000 partitions',
      { partitions: 1000 },
      { startup: 9448, rss: 426, cpuPercent: 3.6, openFiles: 1148 },
      { startup: 0.05, rss: 0.25, cpuPercent: 0.1 }
    )
  ]
  return {
    ...base('kafka', kafka, 'npm run bench:kafka -- --rounds 5', measurements),
    versions: { sluice: '0.1.0 (4d60410)', node: 'v20.20.2', 'Apache Kafka': '4.3.1', java: '17.0.16' },
    leftOut: ['5,000 partitions, Apache Kafka 4.3.1: not ready within 60 s']
  }
}

export function scaleResult(options: SampleOptions = {}): BenchmarkResult {
  const rounds = sampler(options)
  const measurements: Measurement[] = []
  for (const connections of [1, 10, 100, 1000, 10_000])
    measurements.push({
      group: 'fetch beside idle connections',
      name: `${connections} connections`,
      subject: 'Sluice',
      parameters: { connections },
      rounds: rounds({ cpuPerRequest: 21 + Math.log10(connections) * 0.3, rss: 60 + connections * 0.011, p50: 0.08, p99: 0.3 })
    })
  for (const partitions of [1, 10, 100, 1000, 5000])
    measurements.push({
      group: 'fetch beside partitions',
      name: `${partitions} partitions`,
      subject: 'Sluice',
      parameters: { partitions },
      rounds: rounds({ cpuPerRequest: 22 + Math.log10(partitions) * 0.2, rss: 60 + partitions * 0.02 })
    })
  return { ...base('scale', 'Sluice', 'npm run bench:scale', measurements), transferMode: 'auto' }
}

export function isolationResult(options: SampleOptions = {}): BenchmarkResult {
  const rounds = sampler(options)
  const measurements: Measurement[] = []
  for (const mode of ['sendfile', 'splice', 'mmap', 'readwrite'])
    for (const [group, scale] of [
      ['hot fetch', 1],
      ['produce', 1.4]
    ] as const)
      for (const [subject, factor] of [
        ['no cold readers', 1],
        ['50 cold readers', 1.3]
      ] as const)
        measurements.push({
          group,
          name: mode,
          subject,
          parameters: { mode, coldReaders: subject === 'no cold readers' ? 0 : 50 },
          rounds: rounds({ p50: 0.2 * scale * factor, p99: 1.1 * scale * factor, p999: 3 * scale * factor, max: 9 * scale * factor })
        })
  return base('isolation', 'no cold readers', 'npm run bench:isolation', measurements)
}

export function storageResult(options: SampleOptions = {}): BenchmarkResult {
  const rounds = sampler(options)
  const measurements: Measurement[] = []
  const add = (group: string, name: string, subjects: Record<string, Figures>): void => {
    for (const [subject, figures] of Object.entries(subjects))
      measurements.push({ group, name, subject, parameters: {}, rounds: rounds(figures) })
  }
  const appends = (pwrite: number) => ({
    Sluice: { throughput: 1800, cpu: 0.9 },
    'C++ pwrite': { throughput: pwrite, cpu: 0.5 },
    lmdb: { throughput: 250, cpu: 4 }
  })
  add('append, no flush', '64 KiB batches, 1 log, 16 in flight', appends(2000))
  add('append, no flush', '64 KiB batches, 100 logs, 100 in flight', appends(3000))
  add('append, no flush', '64 KiB batches, 1 log, one at a time', appends(9000))
  for (const [name, time] of [
    ['1 MiB log', 1.2],
    ['100 GiB log', 1.7]
  ] as const)
    add('look-up', name, { Sluice: { time }, lmdb: { time: 4 } })
  return { ...base('storage', 'Sluice', 'npm run bench:storage', measurements), limits: ['C++ pwrite'] }
}

export function microResult(options: SampleOptions = {}): BenchmarkResult {
  const rounds = sampler(options)
  const measurements: Measurement[] = []
  const add = (group: string, name: string, times: Record<string, number>): void => {
    for (const [subject, time] of Object.entries(times))
      measurements.push({ group, name, subject, parameters: {}, rounds: rounds({ time, operations: 1e6 / time }) })
  }
  add('decode Fetch request', '1 partition', { sluice: 0.9, kafkajs: 6.1, '@platformatic/kafka': 2.1 })
  add('decode Fetch request', '100 partitions', { sluice: 21, kafkajs: 310, '@platformatic/kafka': 84 })
  add('decode Fetch request', '1,000 partitions', { sluice: 204, kafkajs: 3290, '@platformatic/kafka': 910 })
  add('CRC-32C', '64 KiB', { sluice: 3.1, 'table in JavaScript': 88 })
  add('find an offset', '1,000,000 entries', { sluice: 0.21, 'linear search': 410 })
  return base('micro', 'sluice', 'npm run bench:micro', measurements)
}
