/** Groups in which nothing happens: what a heartbeat costs the broker, and what 10,000 members take of its memory, connections included. */
import { setTimeout as delay } from 'node:timers/promises'
import { memoryOf } from '../lib/process.js'
import type { Case } from '../lib/rounds.js'
import type { BenchBroker } from '../lib/broker.js'
import type { Measured, Stage, Subject } from '../kafka/stage.js'
import { Line } from './line.js'
import { patiently, spentFor } from './load.js'
import { ClassicMember, ConsumerMember, type Member } from './members.js'
import { ready, settleTogether } from './settle.js'

const MEMBERS_OF_A_GROUP = 10
const GROUPS = 1000
const GROUPS_QUICK = 20
const TOPIC = 'idle'
/** Before its memory counts, a broker that has just started comes to rest. */
const REST_MS = 5000
/** Until what the joins needed is left behind: V8 gives memory back when little garbage was made for some 20 s. */
const SETTLE_MS = 30_000
const SETTLE_MS_QUICK = 1000
/** The time-out of a session by default: each is looked after once in it. */
const MEASURED_MS = 45_000
const MEASURED_MS_QUICK = 1000
const TICK_MS = 2

interface Protocol {
  readonly name: string
  /** Of clients by default (classic), and of the broker (consumer). */
  readonly heartbeatMs: number
  join(lines: readonly Line[]): Promise<Member[]>
}

const PROTOCOLS: readonly Protocol[] = [
  { name: 'classic protocol', heartbeatMs: 3000, join: joinClassic },
  { name: 'consumer protocol', heartbeatMs: 5000, join: joinConsumers }
]

/** Each has a fresh broker, alone. */
export function idleMemberCases(stage: Stage): Case[] {
  const { quick, signal } = stage.options
  const groups = quick ? GROUPS_QUICK : GROUPS
  return PROTOCOLS.flatMap((protocol) => {
    const heartbeatMs = quick ? 500 : protocol.heartbeatMs
    const run = (subject: Subject): Promise<Measured> =>
      stage.withFresh(subject, async (broker, admin) => {
        await admin.createTopic(TOPIC, MEMBERS_OF_A_GROUP)
        await ready(broker)
        await delay(quick ? REST_MS / 10 : REST_MS, undefined, { signal })
        const empty = memoryOf(broker.pid ?? 0).rss
        const lines = await Line.connectAll(broker, groups * MEMBERS_OF_A_GROUP)
        try {
          const members = await patiently('joining', protocol.join(lines))
          for (let turn = 0; turn * heartbeatMs < (quick ? SETTLE_MS_QUICK : SETTLE_MS); turn++)
            await heartbeats(members, heartbeatMs, signal)
          const turns = Math.ceil((quick ? MEASURED_MS_QUICK : MEASURED_MS) / heartbeatMs)
          return await measured(broker, members, { heartbeatMs, turns }, empty, signal)
        } finally {
          for (const line of lines) line.close()
        }
      })
    const name = `${groups} groups of ${MEMBERS_OF_A_GROUP}, ${protocol.name}, every ${heartbeatMs / 1000} s`
    return stage.cases('idle members', name, { groups, protocol: protocol.name, heartbeatMs }, run)
  })
}

async function measured(
  broker: BenchBroker,
  members: readonly Member[],
  { heartbeatMs, turns }: { readonly heartbeatMs: number; readonly turns: number },
  empty: number,
  signal: AbortSignal
): Promise<Measured> {
  const { spent } = await spentFor(broker, async () => {
    for (let turn = 0; turn < turns; turn++) await heartbeats(members, heartbeatMs, signal)
  })
  return {
    figures: {
      cpuPerOperation: (spent.cpu / (members.length * turns)) * 1e6,
      cpuPercent: (spent.cpu / spent.seconds) * 100,
      rssAbove: memoryOf(broker.pid ?? 0).rss - empty
    },
    otherPercent: spent.otherPercent
  }
}

/** One heartbeat of each, spread evenly over the time. */
async function heartbeats(members: readonly Member[], milliseconds: number, signal: AbortSignal): Promise<void> {
  const begun = performance.now()
  const answers: Promise<void>[] = []
  while (answers.length < members.length) {
    const due = Math.min(members.length, Math.ceil(((performance.now() - begun) / milliseconds) * members.length))
    while (answers.length < due) {
      const member = members[answers.length]!
      answers.push(member.line.ask(member.idleHeartbeat).then((answer) => member.checkIdle(answer)))
    }
    await delay(TICK_MS, undefined, { signal })
  }
  await patiently('heartbeats', Promise.all(answers))
}

async function joinClassic(lines: readonly Line[]): Promise<ClassicMember[]> {
  const members = lines.map((line, at) => new ClassicMember(line, groupOf(at), TOPIC))
  await settleTogether(members, MEMBERS_OF_A_GROUP)
  return members
}

async function joinConsumers(lines: readonly Line[]): Promise<ConsumerMember[]> {
  const members = lines.map((line, at) => new ConsumerMember(line, groupOf(at), TOPIC, `member-${at}`))
  await settleTogether(members, MEMBERS_OF_A_GROUP)
  return members
}

function groupOf(member: number): string {
  return `idle-${Math.floor(member / MEMBERS_OF_A_GROUP)}`
}
