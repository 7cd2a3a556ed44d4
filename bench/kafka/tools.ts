/** Kafka's own Java tools as load: what an unchanged client sees, with all that its library costs on the same machine. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, run } from '../../test/support/processes.js'
import { memoryOf } from '../lib/process.js'
import type { Figures } from '../lib/result.js'
import type { Case } from '../lib/rounds.js'
import { MIB } from '../lib/units.js'
import { moment, perGib, spentBetween } from './meter.js'
import type { Measured, Stage, Subject, Turn } from './stage.js'

const PARTITIONS = 6
const RECORDS = [
  [100, '100 B', 3_000_000],
  [1024, '1 KiB', 1_000_000]
] as const
const QUICK_SHARE = 0.1
const TOOL_TIMEOUT_MS = 300_000
/** As clients that want throughput are set up; the tools' defaults (16 KiB, 0 ms on old versions) measure the client. */
const PRODUCER_PROPERTIES = ['acks=1', 'batch.size=65536', 'linger.ms=5']

/** Runs one tool, by its class, and resolves with its standard output. */
export type JavaTool = (tool: 'ProducerPerformance' | 'ConsumerPerformance', args: readonly string[]) => Promise<string>

/** The tools of an installed Apache Kafka, whose jars are in `jars`. */
export async function javaTools(jars: string): Promise<JavaTool> {
  const { javaArguments } = (await import(pathToFileURL(path.join(root, 'scripts/kafka/install.mjs')).href)) as {
    javaArguments: (jars: string, options: { heap: string }) => string[]
  }
  return async (tool, args) => {
    const line = [...javaArguments(jars, { heap: '512m' }), `org.apache.kafka.tools.${tool}`, ...args]
    const { code, stdout, stderr } = await run('java', line, { timeoutMs: TOOL_TIMEOUT_MS })
    if (code !== 0) throw new Error(`${tool} ended with ${code}: ${`${stderr}${stdout}`.trim().slice(-500)}`)
    return stdout
  }
}

/** What the producer case has written is what the consumer case reads, so that it is deleted only then. */
export function toolCases(stage: Stage, java: JavaTool): Case[] {
  return RECORDS.flatMap(([size, text, all]) => {
    const records = Math.round(all * (stage.options.quick ? QUICK_SHARE : 1))
    const key = `tools-${size}`
    const produced = async (subject: Subject): Promise<Measured> => {
      const turn = await stage.turn(subject)
      await stage.dropKept(turn, key)
      const floor = stage.floor(records * size)
      const topic = await stage.keptTopic(turn, key, PARTITIONS, 0)
      const measured = await costOf(turn, records * size, async () => producerFigures(await produce(java, turn, topic, records, size)))
      return { ...measured, floor }
    }
    const consumed = async (subject: Subject): Promise<Measured> => {
      const turn = await stage.turn(subject)
      const isFilled = turn.kept.has(key)
      const topic = await stage.keptTopic(turn, key, PARTITIONS, 0)
      if (!isFilled) await produce(java, turn, topic, records, size)
      try {
        return await costOf(turn, records * size, async () => consumerFigures(await consume(java, turn, topic, records), records))
      } finally {
        await stage.dropKept(turn, key)
      }
    }
    const parameters = { recordBytes: size, records }
    return [
      ...stage.cases("Kafka's tools, produce", `${text} records, acks=1`, parameters, produced),
      ...stage.cases("Kafka's tools, consume", `${text} records`, parameters, consumed)
    ]
  })
}

function produce(java: JavaTool, { broker }: Turn, topic: string, records: number, size: number): Promise<string> {
  const sizes = ['--num-records', String(records), '--record-size', String(size), '--throughput', '-1']
  return java('ProducerPerformance', [
    '--topic',
    topic,
    ...sizes,
    '--bootstrap-server',
    broker.bootstrap,
    '--command-property',
    ...PRODUCER_PROPERTIES
  ])
}

function consume(java: JavaTool, { broker }: Turn, topic: string, records: number): Promise<string> {
  const target = ['--bootstrap-server', broker.bootstrap, '--topic', topic]
  return java('ConsumerPerformance', [...target, '--num-records', String(records), '--fetch-size', String(MIB), '--timeout', '60000'])
}

/** The process that a tool is, from its start to its end, is ours; its start-up is not in the throughput that it reports. */
async function costOf({ broker: { pid } }: Turn, bytes: number, work: () => Promise<Figures>): Promise<Measured> {
  if (pid === undefined) return { figures: await work() }
  const begin = moment(pid)
  const figures = await work()
  const spent = spentBetween(begin, moment(pid))
  return { figures: { ...figures, ...perGib(spent, bytes), rss: memoryOf(pid).rss }, otherPercent: spent.otherPercent }
}

/** The last line: "1000000 records sent, 201531.6 records/sec (196.81 MB/sec), 1.4 ms avg latency, … ms max latency, 3 ms 50th, …". */
export function producerFigures(output: string): Figures {
  const last = output.trim().split('\n').at(-1) ?? ''
  const [, throughput, max, p50, p99, p999] =
    /records\/sec \(([\d.]+) MB\/sec\).*?([\d.]+) ms max latency, (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th/.exec(last) ??
    []
  if (throughput === undefined) throw new Error(`producer-perf-test ended with: ${last}`)
  // Its "MB" are MiB.
  return { throughput: Number(throughput), p50: Number(p50), p99: Number(p99), p999: Number(p999), max: Number(max) }
}

/** A line of column names and one of values, separated by commas. The time without joining the group counts. */
export function consumerFigures(output: string, wanted: number): Figures {
  const [names = [], values = []] = output
    .trim()
    .split('\n')
    .filter((line) => line.includes(','))
    .slice(-2)
    .map((line) => line.split(',').map((cell) => cell.trim()))
  const cell = (name: string): number => Number(values[names.indexOf(name)])
  const records = cell('data.consumed.in.nMsg')
  if (!(records >= wanted)) throw new Error(`consumer-perf-test got ${records} of ${wanted} records: ${values.join(', ')}`)
  return { throughput: cell('data.consumed.in.MB') / (cell('fetch.time.ms') / 1000) }
}
