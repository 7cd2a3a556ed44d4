/** Puts the suite together: who takes part, and which cases. */
import { brokerSetting } from '../../src/config/settings/index.js'
import { external, startKafka, startSluice } from '../lib/broker.js'
import { BuildError } from '../lib/build.js'
import { openLoad, type Load } from '../lib/load.js'
import { javaVersion, kafkaOrReason } from '../lib/installed.js'
import type { Progress } from '../lib/progress.js'
import { runRounds, type Case } from '../lib/rounds.js'
import type { Outcome, Running } from '../lib/suite.js'
import { latencyCases } from './latency.js'
import { growthCases, idleCases, startUpCases } from './lifetime.js'
import type { Options } from './options.js'
import { Stage, type Subject } from './stage.js'
import { javaTools, toolCases } from './tools.js'
import { consumeCases, fanOutCases, produceCases } from './traffic.js'

const FLUSH_POLICY =
  'the same for all brokers that the benchmark starts, their defaults: acknowledged records are in the page cache, and the kernel writes them to ' +
  'the disk later (no log.flush.interval.messages, no log.flush.interval.ms); one replica, so that acks=all waits for one copy, too'

const TURNS =
  'each broker is started once, warmed up until a request costs no less, and stopped (SIGSTOP) while it is not its turn; start-up, idle and ' +
  'growth have a fresh broker for every case'
const EXTERNAL_TURNS = '; the broker that ran already runs on all the time'

interface Cast {
  readonly subjects: Subject[]
  readonly versions: Record<string, string>
  readonly leftOut: string[]
  /** Kafka's jars, where its tools are wanted and there. */
  readonly jars?: string
}

/** Rejects with one sentence for users when nothing can be measured. */
export async function measureBrokers(options: Options, { folder, progress, signal, afterwards }: Running): Promise<Outcome> {
  const cast = await assemble(options, folder, progress)
  const load = await loadOrReason(cast.leftOut)
  const stage = new Stage({
    subjects: cast.subjects,
    ...(load === undefined ? {} : { load }),
    progress,
    signal,
    folder,
    quick: options.quick,
    seconds: options.seconds
  })
  const cases = (await allCases(stage, cast)).filter((one) => matches(one, options.only))
  if (cases.length === 0)
    throw new Error(options.only.length === 0 ? 'nothing can be measured' : `no case is called '${options.only.join("' or '")}'`)
  const outcome = await runRounds(cases, { rounds: options.rounds, progress, signal })
  if (outcome.measurements.length === 0) throw new Error(`nothing was measured: ${outcome.leftOut.join('; ')}`)
  if (!signal.aborted) afterwards(() => stage.end())
  return {
    versions: cast.versions,
    flushPolicy: FLUSH_POLICY,
    transferMode: transferMode(cast.subjects),
    turns: cast.subjects.some(({ kind }) => kind === 'external') ? `${TURNS}${EXTERNAL_TURNS}` : TURNS,
    baseline: (cast.subjects.find(({ kind }) => kind === 'kafka') ?? cast.subjects[0])?.name ?? '',
    measurements: outcome.measurements,
    leftOut: [...cast.leftOut, ...outcome.leftOut]
  }
}

/** Who takes part. An external broker was asked for by name, so that it must be there; Apache Kafka may be missing. */
async function assemble(options: Options, folder: string, progress: Progress): Promise<Cast> {
  const { without, bootstrap, pid, name } = options
  const subjects: Subject[] = []
  const leftOut: string[] = []
  const found: Record<string, string> = {}
  if (bootstrap !== undefined) {
    const broker = await external({
      bootstrap,
      ...(pid === undefined ? {} : { pid }),
      ...(name === undefined ? {} : { subject: name })
    })
    subjects.push({ name: broker.subject, kind: 'external', start: () => Promise.resolve(broker) })
    leftOut.push(`${broker.subject}: start-up, idle and growth, for which the benchmark would have to start it`)
    if (pid === undefined) leftOut.push(`${broker.subject}: CPU and memory, without --pid`)
  }
  if (!without.includes('sluice'))
    subjects.unshift({ name: 'Sluice', kind: 'sluice', start: (start) => startSluice({ ...start, parent: folder }) })
  if (without.includes('kafka') && without.includes('tools')) return { subjects, leftOut, versions: found }
  const kafka = await kafkaOrReason(progress)
  if (typeof kafka === 'string') return { subjects, leftOut: [...leftOut, `${kafka}; its tools are left out, too`], versions: found }
  found['Java'] = await javaVersion()
  found['Apache Kafka'] = kafka.version
  if (!without.includes('kafka')) {
    const subject = `Apache Kafka ${kafka.version}`
    subjects.push({ name: subject, kind: 'kafka', start: (start) => startKafka({ ...start, parent: folder, subject }) })
  }
  return { subjects, leftOut, versions: found, ...(without.includes('tools') ? {} : { jars: kafka.jars }) }
}

/** Without a C++ compiler what needs no load is measured all the same. */
async function loadOrReason(leftOut: string[]): Promise<Load | undefined> {
  try {
    return await openLoad()
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    leftOut.push(`produce, consume, fan-out, latency, restarts with data and waiting consumers: ${error.message}`)
    return undefined
  }
}

async function allCases(stage: Stage, { jars }: Cast): Promise<Case[]> {
  const loaded = stage.options.load === undefined ? [] : [produceCases, consumeCases, fanOutCases, latencyCases]
  const tools = jars === undefined ? [] : toolCases(stage, await javaTools(jars))
  return [...loaded.flatMap((make) => make(stage)), ...tools, ...startUpCases(stage), ...idleCases(stage), ...growthCases(stage)]
}

function matches({ group, name }: Case, only: readonly string[]): boolean {
  const title = `${group} ${name}`.toLowerCase()
  return only.length === 0 || only.some((word) => title.includes(word.toLowerCase()))
}

function transferMode(subjects: readonly Subject[]): string {
  const isThere = subjects.some(({ kind }) => kind === 'sluice')
  return isThere ? `Sluice: ${brokerSetting('sluice.transfer.mode')?.default}, its default` : 'not known'
}
