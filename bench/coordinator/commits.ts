/** Offset commits: of one member after the other, of many groups at once, of many members of one group. */
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { requestFrame } from '../../test/support/raw-client.js'
import type { Case } from '../lib/rounds.js'
import type { Measured, Stage, Subject, Turn } from '../kafka/stage.js'
import { answerOf, expectNone, Line } from './line.js'
import { measureWork, warmUp, type Worker } from './load.js'
import { ConsumerMember } from './members.js'
import { ready } from './settle.js'

const COMMIT_VERSION = 9
const TOPIC_PARTITIONS = 64
const SOME_OFFSET = 4711
const METADATA = ''

interface CommitCase {
  readonly name: string
  /** Of each group; each has a connection, and one commit under way. */
  readonly members: number
  readonly groups: number
  /** In one commit. */
  readonly partitions: number
}

const CASES: readonly CommitCase[] = [
  { name: 'one partition, one at a time', members: 1, groups: 1, partitions: 1 },
  { name: 'one partition, 16 groups at once', members: 1, groups: 16, partitions: 1 },
  { name: 'one partition, 16 members of one group at once', members: 16, groups: 1, partitions: 1 },
  { name: '50 partitions, 16 groups at once', members: 1, groups: 16, partitions: 50 }
]

export function commitCases(stage: Stage): Case[] {
  const { quick, seconds } = stage.options
  return CASES.flatMap(({ name, ...shape }) => {
    const warm = new WeakSet<Turn>()
    const run = async (subject: Subject): Promise<Measured> => {
      const turn = await stage.turn(subject)
      await ready(turn.broker)
      const topic = await stage.keptTopic(turn, 'committed', TOPIC_PARTITIONS, 0)
      const members = await joined(turn, topic, shape)
      try {
        const workers = members.map((member, at) => committer(member, topic, at, shape.partitions))
        if (!warm.has(turn)) await warmUp(workers, quick)
        warm.add(turn)
        return await measureWork(turn.broker, workers, { seconds })
      } finally {
        await Promise.all(members.map(({ member }) => member.leave()))
        for (const { member } of members) member.line.close()
      }
    }
    return stage.cases('offset commits', name, shape, run)
  })
}

interface Joined {
  readonly group: string
  readonly member: ConsumerMember
}

let groupsSoFar = 0

async function joined({ broker }: Turn, topic: string, { groups, members }: Omit<CommitCase, 'name'>): Promise<Joined[]> {
  const lines = await Line.connectAll(broker, groups * members)
  const first = groupsSoFar
  groupsSoFar += groups
  const all = lines.map((line, at): Joined => {
    const group = `commits-${first + Math.floor(at / members)}`
    return { group, member: new ConsumerMember(line, group, topic, `member-${at}`) }
  })
  for (const { member } of all) await member.join()
  return all
}

/** Commits the same partitions again and again. Every answer must be the first one, byte by byte. */
function committer({ group, member }: Joined, topic: string, number: number, partitions: number): Worker {
  const frame = requestFrame(offsetCommit, COMMIT_VERSION, {
    groupId: group,
    generationIdOrMemberEpoch: member.epoch,
    memberId: member.memberId,
    topics: [
      {
        name: topic,
        partitions: Array.from({ length: partitions }, (_, at) => ({
          partitionIndex: (number + at) % TOPIC_PARTITIONS,
          committedOffset: SOME_OFFSET,
          committedLeaderEpoch: 0,
          committedMetadata: METADATA
        }))
      }
    ]
  })
  let right: Buffer | undefined
  return async () => {
    const answer = await member.line.ask(frame)
    if (right?.equals(answer) === true) return
    for (const { partitions: answers } of answerOf(offsetCommit, COMMIT_VERSION, answer).topics)
      for (const { errorCode } of answers) expectNone('OffsetCommit', errorCode)
    right = answer
  }
}
