/** Puts the suite together: who takes part, and which cases. */
import { startKafka, startSluice } from '../lib/broker.js'
import { javaVersion, kafkaOrReason } from '../lib/installed.js'
import type { Progress } from '../lib/progress.js'
import { runRounds, type Case } from '../lib/rounds.js'
import { PAGE_CACHE_POLICY, type Outcome, type Running } from '../lib/suite.js'
import { Stage, type Subject } from '../kafka/stage.js'
import { commitCases } from './commits.js'
import { idleMemberCases } from './idle-members.js'
import { joinCases } from './joins.js'
import type { Options } from './options.js'
import { restartCases } from './restart.js'
import { transactionCases } from './transactions.js'

/** Of both brokers: Kafka's default, where other suites do not wait for members. Connections come in thousands. */
const SETTINGS = { 'group.initial.rebalance.delay.ms': '3000', 'socket.listen.backlog.size': '4096' }

const TURNS =
  'commits, transactions and joins: each broker is started once, does the work of a case until it gets no faster, and is stopped (SIGSTOP) while ' +
  'it is not its turn; idle members and restarts have a fresh broker for every case'

interface Cast {
  readonly subjects: Subject[]
  readonly versions: Record<string, string>
  readonly leftOut: string[]
}

/** Rejects with one sentence for users when nothing can be measured. */
export async function measureCoordinators(options: Options, { folder, progress, signal, afterwards }: Running): Promise<Outcome> {
  const { rounds, quick, seconds, only } = options
  const { subjects, versions, leftOut } = await assemble(options, folder, progress)
  const stage = new Stage({ subjects, progress, signal, folder, quick, seconds })
  const cases = [commitCases, transactionCases, joinCases, idleMemberCases, restartCases].flatMap((make) => make(stage))
  const outcome = await runRounds(chosen(cases, only), { rounds, progress, signal })
  if (outcome.measurements.length === 0) throw new Error(`nothing was measured: ${outcome.leftOut.join('; ')}`)
  if (!signal.aborted) afterwards(() => stage.end())
  return {
    versions,
    flushPolicy: PAGE_CACHE_POLICY,
    transferMode: 'auto',
    turns: TURNS,
    baseline: (subjects.find(({ kind }) => kind === 'kafka') ?? subjects[0])?.name ?? '',
    measurements: outcome.measurements,
    leftOut: [...leftOut, ...outcome.leftOut]
  }
}

async function assemble({ without, node }: Options, folder: string, progress: Progress): Promise<Cast> {
  const common = { parent: folder, settings: SETTINGS }
  const sluice: Subject = {
    name: 'Sluice',
    kind: 'sluice',
    start: (start) => startSluice({ ...start, ...common, nodeArguments: node })
  }
  const subjects = without.includes('sluice') ? [] : [sluice]
  if (without.includes('kafka')) return { subjects, versions: {}, leftOut: [] }
  const kafka = await kafkaOrReason(progress)
  if (typeof kafka === 'string') return { subjects, versions: {}, leftOut: [kafka] }
  const subject = `Apache Kafka ${kafka.version}`
  subjects.push({ name: subject, kind: 'kafka', start: (start) => startKafka({ ...start, ...common, subject }) })
  return { subjects, versions: { Java: await javaVersion(), 'Apache Kafka': kafka.version }, leftOut: [] }
}

function chosen(cases: readonly Case[], only: readonly string[]): Case[] {
  const words = only.map((word) => word.toLowerCase())
  const found = cases.filter(
    ({ group, name }) => words.length === 0 || words.some((word) => `${group} ${name}`.toLowerCase().includes(word))
  )
  if (found.length > 0) return found
  throw new Error(only.length === 0 ? 'nothing can be measured' : `no case is called '${only.join("' or '")}'`)
}
