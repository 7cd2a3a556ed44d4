/** A restart with many committed offsets: from the start of the process until the groups of every coordinator have their offsets again. */
import { setTimeout as delay } from 'node:timers/promises'
import { partitionFor } from '../../src/coordinator/partition-for.js'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import type { BenchBroker } from '../lib/broker.js'
import { memoryOf } from '../lib/process.js'
import type { Case } from '../lib/rounds.js'
import type { Measured, Stage, Subject } from '../kafka/stage.js'
import { expectNone, Line } from './line.js'
import { patiently } from './load.js'
import { ready } from './settle.js'

const COMMIT_VERSION = 8
const FETCH_VERSION = 8
const TOPIC = 'committed'
/** Of one group. */
const PARTITIONS = 100
const OFFSETS = 1_000_000
const OFFSETS_QUICK = 10_000
const CONNECTIONS = 8
const RETRY_MS = 2
/** offsets.topic.num.partitions by default: each has a coordinator of its own. */
const COORDINATORS = 50

export function restartCases(stage: Stage): Case[] {
  const offsets = stage.options.quick ? OFFSETS_QUICK : OFFSETS
  return (['SIGTERM', 'SIGKILL'] as const).flatMap((signal) => {
    const run = (subject: Subject): Promise<Measured> =>
      stage.withFresh(subject, async (broker, admin) => {
        await admin.createTopic(TOPIC, PARTITIONS)
        await ready(broker)
        const groups = Array.from({ length: offsets / PARTITIONS }, (_, at) => `restart-${at}`)
        await patiently('committing', commitAll(broker, groups))
        const asked = oneOfEachCoordinator(groups)
        const { shutdown, startup } = await broker.restart(signal)
        const answered = await untilAnswered(broker, asked)
        return {
          figures: { startup: startup + answered, ...(signal === 'SIGTERM' ? { shutdown } : {}), rss: memoryOf(broker.pid ?? 0).rss }
        }
      })
    const name = `${offsets.toLocaleString('en-US')} committed offsets${signal === 'SIGKILL' ? ', after kill -9' : ''}`
    return stage.cases('restart', name, { offsets, groups: offsets / PARTITIONS }, run)
  })
}

/** Each group commits all its partitions at once; the offset tells which group it was. */
async function commitAll(broker: BenchBroker, groups: readonly string[]): Promise<void> {
  const lines = await Line.connectAll(broker, CONNECTIONS)
  let next = 0
  await Promise.all(
    lines.map(async (line) => {
      for (let at = next++; at < groups.length; at = next++) {
        const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
          partitionIndex,
          committedOffset: offsetOf(at, partitionIndex),
          committedMetadata: ''
        }))
        const answer = await line.request(offsetCommit, COMMIT_VERSION, {
          groupId: groups[at]!,
          generationIdOrMemberEpoch: -1,
          memberId: '',
          topics: [{ name: TOPIC, partitions }]
        })
        for (const { errorCode } of answer.topics[0]?.partitions ?? []) expectNone('OffsetCommit', errorCode)
      }
    })
  )
  for (const line of lines) line.close()
}

function offsetOf(group: number, partition: number): number {
  return group * PARTITIONS + partition
}

/** The last group of each coordinator, by its number. */
function oneOfEachCoordinator(groups: readonly string[]): Map<string, number> {
  const last = new Map(groups.map((group, at) => [partitionFor(group, COORDINATORS), [group, at] as const]))
  return new Map(last.values())
}

/** Asks for all offsets of these groups until all are right. Resolves to the time that this took, in ms. */
async function untilAnswered(broker: BenchBroker, groups: ReadonlyMap<string, number>): Promise<number> {
  const begun = performance.now()
  const line = await Line.connect(broker)
  for (const [groupId, number] of groups) {
    while (!(await isRight(line, groupId, number))) await delay(RETRY_MS)
  }
  line.close()
  return performance.now() - begun
}

/** False while the coordinator is not there or loads. Throws Error for offsets that were not committed. */
async function isRight(line: Line, groupId: string, number: number): Promise<boolean> {
  const { groups } = await line.request(offsetFetch, FETCH_VERSION, { groupId: '', topics: [], groups: [{ groupId, topics: null }] })
  const [group] = groups
  if (group === undefined || group.errorCode !== 0) return false
  const partitions = group.topics[0]?.partitions ?? []
  const wrong = partitions.find(({ partitionIndex, committedOffset }) => committedOffset !== offsetOf(number, partitionIndex))
  if (partitions.length !== PARTITIONS || wrong !== undefined) throw new Error(`group ${groupId} has lost offsets by the restart`)
  return true
}
