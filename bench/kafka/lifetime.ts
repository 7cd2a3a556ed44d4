/** What a broker costs besides its traffic: starting, doing nothing, and having many partitions. Each case has a fresh broker, alone. */
import { setTimeout as delay } from 'node:timers/promises'
import { Admin, type NewTopic } from '../lib/admin.js'
import type { BenchBroker } from '../lib/broker.js'
import { memoryOf, openFilesOf } from '../lib/process.js'
import type { Figures } from '../lib/result.js'
import type { Case } from '../lib/rounds.js'
import { KIB, MIB } from '../lib/units.js'
import { moment, spentBetween } from './meter.js'
import type { Measured, Stage, Subject } from './stage.js'

const own = ({ kind }: Subject): boolean => kind !== 'external'

const START_PARTITIONS = 100

/**
 * From the start of the process to the first Metadata answer with a live broker; after a restart, until every partition answers ListOffsets.
 * Formatting its folder, which Apache Kafka does in a process of its own, is not part of the time; Sluice does it while it starts.
 */
export function startUpCases(stage: Stage): Case[] {
  const bytes = stage.options.quick ? 64 * MIB : 256 * MIB
  const empty = (subject: Subject): Promise<Measured> =>
    stage.withFresh(subject, async ({ startup = 0, pid = 0 }) => ({ figures: { startup, rss: memoryOf(pid).rss } }))
  const withData =
    (signal: NodeJS.Signals) =>
    (subject: Subject): Promise<Measured> =>
      stage.withFresh(subject, async (broker, admin) => {
        await admin.createTopic('data', START_PARTITIONS)
        const target = { bootstrap: broker.bootstrap, topic: 'data', partitions: START_PARTITIONS, connections: 4 }
        await stage.load.produce({ ...target, batchBytes: 16 * KIB, bytes }, { signal: stage.options.signal })
        const { shutdown, serving } = await restarted(broker, ['data'], signal)
        return { figures: { startup: serving, ...(signal === 'SIGTERM' ? { shutdown } : {}), rss: memoryOf(broker.pid ?? 0).rss } }
      })
  const size = `${START_PARTITIONS} partitions, ${bytes / MIB} MiB`
  const parameters = { partitions: START_PARTITIONS, bytes }
  const cases = stage.cases('start-up', 'empty folder', { partitions: 0, bytes: 0 }, empty, own)
  if (stage.options.load === undefined) return cases
  return [
    ...cases,
    ...stage.cases('start-up', `restarted: ${size}`, parameters, withData('SIGTERM'), own),
    ...stage.cases('start-up', `restarted after kill -9: ${size}`, parameters, withData('SIGKILL'), own)
  ]
}

const CONNECTIONS = 1000
/** So many new descriptors tell that the connections are there; meanwhile the broker may close some files of its own. */
const MOST_CONNECTIONS = CONNECTIONS * 0.9

/** CPU and memory when nobody asks for anything, and when consumers wait for records that do not come (fetches of 500 ms, as clients do). */
export function idleCases(stage: Stage): Case[] {
  const alone = (subject: Subject): Promise<Measured> => stage.withFresh(subject, async ({ pid = 0 }) => quiet(stage, pid))
  const waiting = (subject: Subject): Promise<Measured> =>
    stage.withFresh(subject, async (broker, admin) => {
      const { pid = 0, bootstrap } = broker
      const { quick, signal } = stage.options
      await admin.createTopic('idle', 4)
      const before = openFilesOf(pid)
      const seconds = quick ? 12 : 25
      const ending = new AbortController()
      const load = stage.load.idle(
        { bootstrap, topic: 'idle', partitions: 4, connections: CONNECTIONS, seconds, waiting: true },
        { signal: AbortSignal.any([signal, ending.signal]) }
      )
      try {
        await Promise.race([load, connected(pid, before + MOST_CONNECTIONS, signal)])
        return await Promise.race([load.then(tooEarly), quiet(stage, pid)])
      } finally {
        ending.abort(new Error('measured'))
        await load.catch(() => {})
      }
    })
  const cases = stage.cases('idle', 'no clients', { connections: 0 }, alone, own)
  if (stage.options.load === undefined) return cases
  return [...cases, ...stage.cases('idle', `${CONNECTIONS} waiting consumers`, { connections: CONNECTIONS }, waiting, own)]
}

const STEPS = [1, 100, 1000, 5000] as const
const STEPS_QUICK = [1, 500] as const
const PARTITIONS_OF_A_TOPIC = 100

/** Until the partitions serve after they were asked for, what they cost when nothing happens, and until they serve after a restart. */
export function growthCases(stage: Stage): Case[] {
  return (stage.options.quick ? STEPS_QUICK : STEPS).flatMap((partitions) => {
    const topics = topicsWith(partitions)
    const run = (subject: Subject): Promise<Measured> =>
      stage.withFresh(subject, async (broker, admin) => {
        const begun = performance.now()
        await admin.createTopics(topics)
        await admin.waitServing(topics.map(({ name }) => name))
        const create = performance.now() - begun
        const { figures, otherPercent = 0 } = await quiet(stage, broker.pid ?? 0)
        const { shutdown, serving } = await restarted(
          broker,
          topics.map(({ name }) => name)
        )
        return { figures: { ...figures, create, shutdown, startup: serving }, otherPercent }
      })
    return stage.cases('growth', `${partitions} partition${partitions === 1 ? '' : 's'}`, { partitions }, run, own)
  })
}

function topicsWith(partitions: number): NewTopic[] {
  const each = Math.min(partitions, PARTITIONS_OF_A_TOPIC)
  return Array.from({ length: partitions / each }, (_, i) => ({ name: `growth-${i}`, partitions: each }))
}

/** CPU, memory and open files while nothing happens. */
async function quiet({ options: { quick, signal } }: Stage, pid: number): Promise<Measured> {
  await delay(quick ? 1500 : 3000, undefined, { signal })
  const begin = moment(pid)
  await delay(quick ? 3000 : 10_000, undefined, { signal })
  const { cpu, seconds, otherPercent } = spentBetween(begin, moment(pid))
  const figures: Figures = { cpuPercent: (cpu / seconds) * 100, rss: memoryOf(pid).rss, openFiles: openFilesOf(pid) }
  return { figures, otherPercent }
}

async function restarted(
  broker: BenchBroker,
  topics: readonly string[],
  signal: NodeJS.Signals = 'SIGTERM'
): Promise<{ shutdown: number; serving: number }> {
  const { shutdown, startup } = await broker.restart(signal)
  const begun = performance.now()
  await Admin.with(broker.bootstrap, (admin) => admin.waitServing(topics))
  return { shutdown, serving: startup + performance.now() - begun }
}

async function connected(pid: number, files: number, signal: AbortSignal): Promise<void> {
  while (openFilesOf(pid) < files) await delay(50, undefined, { signal })
}

function tooEarly(): never {
  throw new Error('the connections ended before they were measured')
}
