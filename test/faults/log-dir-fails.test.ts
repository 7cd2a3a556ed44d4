/**
 * One of two log directories lies on a disk that begins to fail: its partitions answer KAFKA_STORAGE_ERROR, the other directory serves on, nothing
 * that was acknowledged is missing when the disk works again, and a move that meets the failure leaves the partition in one of the two.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { mountSlowFs, whyNoSlowFs, type SlowFs } from '../../bench/lib/slowfs.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.js'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.js'
import { buildBatch } from '../../src/record/builder.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const PATIENCE_MS = 20_000
const PARTITIONS = [0, 1, 2, 3]

const why = foreignBroker ? 'the broker is not ours' : await whyNoSlowFs()
if (why !== undefined) process.stderr.write(`log-dir-fails is skipped: ${why}\n`)
const testOnBadDisk = why === undefined ? test.serial : test.serial.skip

interface World {
  readonly disk: SlowFs
  /** On the good disk, with the metadata, and on the one that fails. */
  readonly good: string
  readonly bad: string
  readonly start: () => Promise<{ client: RawClient; end: () => Promise<void>; kill: () => Promise<void> }>
}

async function world(t: ExecutionContext, settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = await tempDir(t)
  const disk = await mountSlowFs(path.join(folder, 'disk'))
  t.teardown(() => disk.unmount())
  const good = path.join(folder, 'good')
  const bad = path.join(disk.folder, 'bad')
  const start = async () => {
    const broker = await startChildBroker({ dir: `${good},${bad}`, topics: { t: PARTITIONS.length }, settings })
    t.teardown(() => broker.kill())
    const client = await RawClient.connect(broker)
    return {
      client,
      kill: () => broker.kill(),
      end: async () => {
        client.close()
        await broker.stop()
      }
    }
  }
  return { disk, good, bad, start }
}

/** The offset of the record, or the error code below 0. */
async function send(client: RawClient, index: number): Promise<number> {
  const records = buildBatch([{ value: Buffer.alloc(3000, index) }], { timestamp: Date.now() })
  const topicData = [{ name: 't', partitionData: [{ index, records }] }]
  const { responses } = await client.request(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
  return errorCode === ErrorCode.NONE ? baseOffset : -errorCode
}

async function endOf(client: RawClient, index: number): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: index, currentLeaderEpoch: -1, timestamp: -1 }] }]
  const answer = await client.request(listOffsets, 6, { replicaId: -1, isolationLevel: 0, topics })
  const { errorCode, offset } = answer.topics[0]!.partitions[0]!
  return errorCode === ErrorCode.NONE ? offset : -errorCode
}

/** Directory by partition; a copy is left out. */
async function places(client: RawClient): Promise<Map<number, string>> {
  const { results } = await client.request(describeLogDirs, 4, { topics: [{ topic: 't', partitions: PARTITIONS }] })
  const found = new Map<number, string>()
  for (const { logDir, topics } of results) {
    for (const { partitionIndex, isFutureKey } of topics[0]?.partitions ?? []) if (!isFutureKey) found.set(partitionIndex, logDir)
  }
  return found
}

async function move(client: RawClient, index: number, dir: string): Promise<number> {
  const topics = [{ name: 't', partitions: [index] }]
  const { results } = await client.request(alterReplicaLogDirs, 2, { dirs: [{ path: dir, topics }] })
  return results[0]!.partitions[0]!.errorCode
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await condition()); await delay(5)) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
  }
}

// The kernel writes back later: it is the flush that learns of a failed write.
for (const operation of ['write', 'fsync'] as const) {
  testOnBadDisk(`${operation} fails with EIO`, async (t) => {
    const { disk, bad, start } = await world(t, { 'log.flush.interval.messages': '1' })
    const first = await start()
    const where = await places(first.client)
    const broken = PARTITIONS.filter((index) => where.get(index) === bad)
    t.true(broken.length > 0 && broken.length < PARTITIONS.length)
    for (const index of PARTITIONS) for (let offset = 0; offset < 5; offset++) t.is(await send(first.client, index), offset)
    await disk.set({ operation, error: 'EIO' })
    for (const index of broken) t.is(await send(first.client, index), -ErrorCode.KAFKA_STORAGE_ERROR)
    for (const index of PARTITIONS) {
      if (!broken.includes(index)) t.is(await send(first.client, index), 5)
      t.is(await endOf(first.client, index), broken.includes(index) ? -ErrorCode.KAFKA_STORAGE_ERROR : 6)
    }
    await disk.clear()
    t.is(await send(first.client, broken[0]!), -ErrorCode.KAFKA_STORAGE_ERROR, 'only a start brings it back')
    await first.end()
    const second = await start()
    for (const index of PARTITIONS) {
      await until(async () => (await endOf(second.client, index)) >= 0, `partition ${index} is back`)
      // A record whose flush failed may be there: it was not acknowledged, and not denied either.
      const end = await endOf(second.client, index)
      t.true(end === 6 || (broken.includes(index) && end === 5), `${index} ends at ${end}`)
    }
    await second.end()
  })
}

testOnBadDisk('the old folder of a move can not be renamed: the partition is where it was moved to', async (t) => {
  const { disk, good, bad, start } = await world(t)
  const first = await start()
  const index = [...(await places(first.client))].find(([, dir]) => dir === bad)![0]
  t.is(await send(first.client, index), 0)
  // The first record of a leader has its epoch saved, by renaming a file.
  await until(async () => existsSync(path.join(bad, `t-${index}`, 'leader-epoch-checkpoint')), 'the leader epoch is saved')
  await disk.set({ operation: 'rename', error: 'EIO', match: 'bad' })
  t.is(await move(first.client, index, good), ErrorCode.NONE)
  await until(async () => (await places(first.client)).get(index) === good, 'the partition has moved')
  t.is(await send(first.client, index), 1)
  await disk.clear()
  await first.kill()
  // The disk works again, with what the partition was: it is not taken for it.
  const second = await start()
  await until(async () => (await endOf(second.client, index)) >= 0, 'it serves')
  t.is(await send(second.client, index), 2)
  t.is((await places(second.client)).get(index), good)
  const left = (await readdir(bad)).filter((name) => name.startsWith(`t-${index}`))
  t.true(left.length === 1 && left[0]!.endsWith('-stray'), left.join())
  await second.end()
})

testOnBadDisk('the directory fails when the copy is complete: the partition is where it was', async (t) => {
  const { disk, good, bad, start } = await world(t)
  const first = await start()
  const index = [...(await places(first.client))].find(([, dir]) => dir === good)![0]
  t.is(await send(first.client, index), 0)
  // In the directory, but not in the folder of the copy: the longest match decides.
  await disk.set({ operation: 'rename', error: 'EIO', match: 'bad' })
  await disk.set({ operation: 'rename', delayMs: 1, match: 'bad/t-' })
  t.is(await move(first.client, index, bad), ErrorCode.NONE)
  await until(async () => (await move(first.client, index, bad)) === ErrorCode.KAFKA_STORAGE_ERROR, 'the directory is offline')
  t.is(await send(first.client, index), 1)
  await disk.clear()
  await first.end()
  // The copy is found again, and the move completed.
  const second = await start()
  await until(async () => (await places(second.client)).get(index) === bad, 'the move goes on')
  t.is(await send(second.client, index), 2)
  await second.end()
})
