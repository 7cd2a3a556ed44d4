/** The same logs for both cleaners: Kafka compacts its own while it runs, Sluice copies of what Kafka began with. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { resolveTopicConfig, loadBrokerConfig } from '../../src/config/index.js'
import { copyFolders } from '../support/kafka-broker.js'
import { startEngine } from '../storage/support.js'
import { DAY_MS, KEYED, packed, recordsFrom } from './data.js'
import { activeBase, checkpointed, eventually } from './folders.js'
import { TestProducer } from './producer.js'
import type { Session } from './session.js'

const CHECKPOINT = 'cleaner-offset-checkpoint'

/** `cleaned-away`: in the second pass the horizon of tombstones and markers of the first one is over. `cleaned-plain`: without compression. */
export const CLEANED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'cleaned-keys': KEYED,
  'cleaned-transactions': KEYED,
  'cleaned-away': { ...KEYED, 'delete.retention.ms': '0' },
  'cleaned-plain': { ...KEYED, 'internal.segment.bytes': '20000' }
}
const NAMES = Object.keys(CLEANED)

/** One pass of Kafka's cleaner: folders that hold the partitions before and after, and after ours; how far they were compacted before. */
export interface Pass {
  readonly before: string
  readonly after: string
  readonly here: string
  readonly checkpoints: ReadonlyMap<string, number>
}

/** Lets Kafka, whose data is in `dir`, compact the logs twice. */
export async function cleanInKafka(session: Session, dir: string, into: string): Promise<Pass[]> {
  const producers = await Promise.all(['x', 'y', 'z'].map((name) => TestProducer.open(session, `cleaners-${name}`)))
  const idempotent = await TestProducer.open(session)
  for (const [topic, settings] of Object.entries(CLEANED)) {
    await session.prefer(dir, topic, 0)
    await session.createTopic(topic, 1, settings)
  }
  const passes: Pass[] = []
  for (const number of [1, 2]) {
    await fill(session, idempotent, producers, number * 1000)
    const checkpoints = new Map(NAMES.map((topic) => [topic, checkpointed(dir, CHECKPOINT, topic, 0)]))
    const [before, after, here] = ['before', 'after', 'here'].map((name) => path.join(into, `${number}-${name}`)) as [
      string,
      string,
      string
    ]
    copyFolders([path.join(dir, 'meta.properties'), ...partitions(dir)], before)
    await setLag(session, '0')
    const isDone = (topic: string) => checkpointed(dir, CHECKPOINT, topic, 0) > checkpoints.get(topic)!
    await eventually('Kafka has compacted its logs', () => NAMES.every(isDone))
    await setLag(session, DAY_MS)
    copyFolders(partitions(dir), after)
    passes.push({ before, after, here, checkpoints })
  }
  return passes
}

async function setLag(session: Session, lagMs: string): Promise<void> {
  for (const topic of NAMES) await session.setTopic(topic, { 'min.compaction.lag.ms': lagMs })
}

function partitions(dir: string): string[] {
  return NAMES.map((topic) => path.join(dir, `${topic}-0`))
}

// As compressed bytes are not the same everywhere, sizes and positions are only without compression.
function codecOf(topic: string, number: number): number {
  return topic === 'cleaned-plain' ? 0 : number % 5
}

async function fill(session: Session, idempotent: TestProducer, transactional: readonly TestProducer[], first: number): Promise<void> {
  for (const topic of NAMES) {
    for (let batch = 0; batch < 24; batch++) {
      const n = first + batch * 5
      await session.send(topic, 0, await packed(recordsFrom(topic, n, 5, true), codecOf(topic, batch)))
      if (batch % 4 === 1 && batch < 12) await idempotent.send(topic, 0, recordsFrom(topic, n + 2, 2, true))
      // Its last batch stays, without records, and with a timestamp that is the largest of them all.
      if (batch === 12) await idempotent.send(topic, 0, recordsFrom(topic, first + 900, 2, true))
    }
  }
  const [one, two, open] = transactional as [TestProducer, TestProducer, TestProducer]
  const withTransactions = NAMES.filter((topic) => topic !== 'cleaned-keys')
  const send = async (producer: TestProducer, n: number, codec: number) => {
    for (const topic of withTransactions) await producer.send(topic, 0, recordsFrom(topic, n, 3, true), codecOf(topic, codec))
  }
  for (let round = 0; round < 10; round++) {
    const n = first + 200 + round * 10
    await send(one, n, round)
    await send(two, n + 3, 0)
    await one.end(round % 3 !== 0)
    await send(two, n + 6, round + 1)
    await two.end(round % 4 === 2)
    // One that is under way holds back what may be compacted; in the second pass it is over.
    if (round === 6 && first === 1000) await open.send('cleaned-transactions', 0, recordsFrom('cleaned-transactions', n + 9, 2, true))
    if (round === 3 && first === 2000) await open.end(false)
    for (const topic of NAMES) await session.send(topic, 0, await packed(recordsFrom(topic, n + 7, 6, true), codecOf(topic, round)))
  }
}

/** The same pass by the engine. */
export async function cleanHere(t: ExecutionContext, { before, here: dir, checkpoints }: Pass): Promise<void> {
  copyFolders([path.join(before, 'meta.properties'), ...partitions(before)], dir)
  await writeCheckpoint(path.join(dir, CHECKPOINT), checkpoints)
  // The closed segments are as they should be: made anew, their transaction indexes would not tell of what the pass before has removed.
  const active = new Map(NAMES.map((topic) => [topic, activeBase(path.join(dir, `${topic}-0`))]))
  await writeCheckpoint(path.join(dir, 'recovery-point-offset-checkpoint'), active)
  const { config: broker } = loadBrokerConfig({})
  const config = (topic: string) => resolveTopicConfig(broker, new Map(Object.entries({ ...CLEANED[topic], 'min.compaction.lag.ms': '0' })))
  const engine = await startEngine(t, { dir, more: { topicConfig: config } })
  for (const topic of NAMES) await engine.manager.whenReady(topic, 0)
  while (await engine.manager.cleaner.cleanFilthiest());
  await engine.stop()
}

async function writeCheckpoint(file: string, offsets: ReadonlyMap<string, number>): Promise<void> {
  const known = [...offsets].filter(([, offset]) => offset >= 0).map(([topic, offset]) => `${topic} 0 ${offset}\n`)
  await writeFile(file, `0\n${known.length}\n${known.join('')}`)
}
