/** Partitions whose files are damaged or nobody's: a broker refuses what it can't answer, of them alone, and serves everything else. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { buildBatch } from '../../src/record/index.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { Session } from '../takeover/session.js'

const sluiceTest = foreignBroker ? test.skip : test
const STAMP = 1_700_000_000_000

async function started(t: ExecutionContext, dir: string): Promise<Session> {
  const broker = await startBroker({ dir, topics: { t: 2 }, settings: { 'log.retention.ms': '-1', 'log.segment.bytes': '1048576' } })
  const session = await Session.connect(broker)
  t.teardown(async () => {
    session.close()
    await broker.stop()
  })
  return session
}

/** A folder with ten batches in each of two partitions, closed in an orderly way. */
async function filled(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'sluice-damaged-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const broker = await startBroker({ dir, topics: { t: 2 } })
  const session = await Session.connect(broker)
  for (let n = 0; n < 10; n++) {
    for (const partition of [0, 1]) await session.send('t', partition, buildBatch([{ value: Buffer.alloc(5000), timestamp: STAMP + n }]))
  }
  session.close()
  await broker.stop()
  return dir
}

async function fetched({ client }: Session, partition: number, fetchOffset: number): Promise<[error: number, bytes: number]> {
  const part = { partition, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1, logStartOffset: -1, partitionMaxBytes: 1 << 20 }
  const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, isolationLevel: 0, sessionId: 0, sessionEpoch: -1 }
  const topics = [{ topic: 't', partitions: [part] }]
  const { responses } = await client.request(fetch, 12, { replicaId: -1, ...limits, topics, forgottenTopicsData: [], rackId: '' })
  const { errorCode, records } = responses[0]!.partitions[0]!
  return [errorCode, records?.length ?? 0]
}

sluiceTest('bytes that are no batch: reads that come to them are refused, the broker and the other partitions go on', async (t) => {
  const dir = await filled(t)
  const file = path.join(dir, 't-0', '00000000000000000000.log')
  const bytes = await readFile(file)
  const fifth = (bytes.length / 10) * 5
  // Before the last entry of the index: a start after an orderly stop does not come across it.
  bytes.writeInt32BE(-1, fifth + 8)
  await writeFile(file, bytes)
  const session = await started(t, dir)
  t.is(await session.send('t', 0, buildBatch([{ value: Buffer.from('more'), timestamp: STAMP }])), 10)
  t.is((await fetched(session, 0, 0))[0], ErrorCode.NONE)
  t.deepEqual(await fetched(session, 0, 5), [ErrorCode.CORRUPT_MESSAGE, 0])
  const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: STAMP + 5 }))
  const { topics } = await session.client.request(listOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions }] })
  t.deepEqual(
    topics[0]!.partitions.map(({ errorCode, offset }) => [errorCode, offset]),
    [
      [ErrorCode.CORRUPT_MESSAGE, -1],
      [ErrorCode.NONE, 5]
    ]
  )
  t.deepEqual(await fetched(session, 1, 0), [ErrorCode.NONE, bytes.length])
})

sluiceTest('the folder of a partition that is in no topic is kept under the name that Kafka gives it', async (t) => {
  const dir = await filled(t)
  await mkdir(path.join(dir, 'nobody-3'))
  await rename(path.join(dir, 't-1', '00000000000000000000.log'), path.join(dir, 'nobody-3', '00000000000000000000.log'))
  const session = await started(t, dir)
  t.is((await session.offsetAt('t', 0, -1)).offset, 10)
  const names = await readdir(dir)
  const stray = names.find((name) => /^nobody-3\.[0-9a-f]{32}-stray$/.test(name))
  t.truthy(stray, names.join())
  t.true((await readdir(path.join(dir, stray!))).includes('00000000000000000000.log'))
  t.false(names.includes('nobody-3'))
})

sluiceTest('a file that has the name of a partition is left alone', async (t) => {
  const dir = await filled(t)
  await writeFile(path.join(dir, 'nobody-3'), 'mine')
  const session = await started(t, dir)
  t.is((await session.offsetAt('t', 0, -1)).offset, 10)
  t.deepEqual(
    (await readdir(dir)).filter((name) => name.startsWith('nobody')),
    ['nobody-3']
  )
  t.is(await readFile(path.join(dir, 'nobody-3'), 'utf8'), 'mine')
})
