/** A thousand members that join one group at the same time, and, in the classic protocol, a rebalance of all of them. */
import type { Case } from '../lib/rounds.js'
import type { Measured, Stage, Subject } from '../kafka/stage.js'
import type { BenchBroker } from '../lib/broker.js'
import { Line } from './line.js'
import { patiently, spentFor } from './load.js'
import { ClassicMember, ConsumerMember } from './members.js'
import { ready, settleTogether } from './settle.js'

const MEMBERS = 1000
const MEMBERS_QUICK = 50
/** How often it is done before it counts, in the first round. */
const WARM_UPS = 2

let groupsSoFar = 0

export function joinCases(stage: Stage): Case[] {
  const members = stage.options.quick ? MEMBERS_QUICK : MEMBERS
  const kinds = [
    { name: `${members} members, classic protocol`, work: classic },
    { name: `${members} members, classic protocol, all join again`, work: again },
    { name: `${members} members, consumer protocol`, work: consumers }
  ]
  return kinds.flatMap(({ name, work }) => {
    const warm = new WeakSet<BenchBroker>()
    const run = async (subject: Subject): Promise<Measured> => {
      const turn = await stage.turn(subject)
      await ready(turn.broker)
      const topic = await stage.keptTopic(turn, 'joined', members, 0)
      const warmUps = warm.has(turn.broker) || stage.options.quick ? 0 : WARM_UPS
      warm.add(turn.broker)
      for (let time = 0; time < warmUps; time++) await once(turn.broker, topic, members, work)
      return once(turn.broker, topic, members, work)
    }
    return stage.cases('joins', name, { members }, run)
  })
}

type Work = (broker: BenchBroker, lines: readonly Line[], group: string, topic: string) => Promise<Measured>

async function once(broker: BenchBroker, topic: string, members: number, work: Work): Promise<Measured> {
  const lines = await Line.connectAll(broker, members)
  try {
    return await patiently('joining', work(broker, lines, `joins-${groupsSoFar++}`, topic))
  } finally {
    for (const line of lines) line.close()
  }
}

/** What it costs and takes until `task` has settled a group. */
async function settled(broker: BenchBroker, task: () => Promise<void>): Promise<Measured> {
  const begun = performance.now()
  const { done, spent } = await spentFor(broker, async () => {
    await task()
    return performance.now() - begun
  })
  return { figures: { settled: done, cpuTime: spent.cpu * 1000 }, otherPercent: spent.otherPercent }
}

async function classic(broker: BenchBroker, lines: readonly Line[], group: string, topic: string): Promise<Measured> {
  const members = lines.map((line) => new ClassicMember(line, group, topic))
  const result = await settled(broker, () => settleTogether(members, members.length))
  await leaveAll(members)
  return result
}

/** Every member has a new subscription, so that the first one begins a rebalance, for which the others come at once. */
async function again(broker: BenchBroker, lines: readonly Line[], group: string, topic: string): Promise<Measured> {
  const members = lines.map((line) => new ClassicMember(line, group, topic))
  await settleTogether(members, members.length)
  const result = await settled(broker, () => settleTogether(members, members.length))
  await leaveAll(members)
  return result
}

async function consumers(broker: BenchBroker, lines: readonly Line[], group: string, topic: string): Promise<Measured> {
  const members = lines.map((line, at) => new ConsumerMember(line, group, topic, `member-${at}`))
  const result = await settled(broker, () => settleTogether(members, members.length))
  await leaveAll(members)
  return result
}

async function leaveAll(members: readonly (ClassicMember | ConsumerMember)[]): Promise<void> {
  await Promise.all(members.map((member) => member.leave()))
}
