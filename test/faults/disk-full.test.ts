/** A broker whose disk fills up: clients are told, nothing acknowledged is lost, and it goes on when there is room. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { buildBatch } from '../../src/record/builder.js'
import { decodeRecords } from '../../src/record/decode.js'
import { foreignBroker, startChildBroker, type ChildBroker } from '../support/broker.js'
import { root, run } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'

const MiB = 1024 * 1024
const RECORD_BYTES = 100_000
const PATIENCE_MS = 15_000

/** A file system of 24 MiB for one test; undefined where this user may not mount one. */
function mountSmallDisk(): string | undefined {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-full-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmdirSync(folder)
    return undefined
  }
}

function unmount(disk: string): void {
  execFileSync('umount', ['-l', disk], { stdio: 'ignore' })
  rmdirSync(disk)
}

const probe = mountSmallDisk()
if (probe !== undefined) unmount(probe)
const testOnSmallDisk = probe === undefined || foreignBroker ? test.serial.skip : test.serial

function smallDisk(t: ExecutionContext): string {
  const disk = mountSmallDisk()!
  t.teardown(() => unmount(disk))
  return disk
}

/** Writes a file of at most so many bytes; what does not fit is left out. */
function ballast(file: string, bytes: number): void {
  const descriptor = openSync(file, 'w')
  const page = Buffer.alloc(4096, 1)
  try {
    for (let written = 0; written < bytes; written += page.length) writeSync(descriptor, page)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(descriptor)
  }
}

const valueOf = (sequence: number) => `${sequence} `.padEnd(RECORD_BYTES, String(sequence % 10))

/** The offset of the record, or the error. */
async function send(client: RawClient, topic: string, sequence: number): Promise<{ offset: number; errorCode: number }> {
  const records = buildBatch([{ value: Buffer.from(valueOf(sequence)) }], { timestamp: Date.now() })
  const { responses } = await client.request(produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }]
  })
  const { errorCode = -1, baseOffset = -1 } = responses[0]?.partitionResponses[0] ?? {}
  return { errorCode, offset: baseOffset }
}

/** Acknowledged records by their offset. */
async function sendUntilRefused(
  client: RawClient,
  topic: string,
  limit = 1000
): Promise<{ acked: Map<number, number>; errorCode: number }> {
  const acked = new Map<number, number>()
  for (let sequence = 0; sequence < limit; sequence++) {
    const { offset, errorCode } = await send(client, topic, sequence)
    if (errorCode !== ErrorCode.NONE) return { acked, errorCode }
    acked.set(offset, sequence)
  }
  return { acked, errorCode: ErrorCode.NONE }
}

async function readAll(client: RawClient, topic: string): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (let fetchOffset = 0; ; fetchOffset = Math.max(...found.keys()) + 1) {
    const partition = { partition: 0, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: MiB }
    const { responses } = await client.request(fetch, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: MiB,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [partition] }],
      forgottenTopicsData: [],
      rackId: ''
    })
    const answer = responses[0]?.partitions[0]
    if (answer?.errorCode !== ErrorCode.NONE) throw new Error(`fetch of ${topic} at ${fetchOffset}: error ${answer?.errorCode}`)
    if (answer.records === null || answer.records.length === 0) return found
    for (const { offset, value } of decodeRecords(Buffer.from(answer.records as Uint8Array))) found.set(offset, value?.toString() ?? '')
  }
}

async function holdsAll(t: ExecutionContext, client: RawClient, topic: string, acked: ReadonlyMap<number, number>): Promise<void> {
  const found = await readAll(client, topic)
  for (const [offset, sequence] of acked)
    t.true(found.get(offset) === valueOf(sequence), `${topic}: record ${sequence} at offset ${offset}`)
  t.is(found.size, acked.size, `${topic}: nothing else`)
}

/** Until it is accepted: room is back a moment after a deletion was answered. */
async function sendWhenThereIsRoom(client: RawClient, topic: string, sequence: number): Promise<number> {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const { offset, errorCode } = await send(client, topic, sequence)
    if (errorCode === ErrorCode.NONE) return offset
    if (errorCode !== ErrorCode.KAFKA_STORAGE_ERROR || Date.now() > end) throw new Error(`produce: error ${errorCode}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function connect(t: ExecutionContext, broker: ChildBroker): Promise<RawClient> {
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  return client
}

async function create(t: ExecutionContext, client: RawClient, name: string): Promise<void> {
  t.is(await tryToCreate(client, name), ErrorCode.NONE)
}

async function tryToCreate(client: RawClient, name: string): Promise<number | undefined> {
  const configs = [{ name: 'file.delete.delay.ms', value: '1' }]
  const { topics } = await client.request(createTopics, 7, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: 5000
  })
  return topics[0]?.errorCode
}

async function remove(client: RawClient, name: string): Promise<number | undefined> {
  const { responses } = await client.request(deleteTopics, 6, { topics: [{ name, topicId: ZERO_UUID }], topicNames: [], timeoutMs: 5000 })
  return responses[0]?.errorCode
}

testOnSmallDisk('a full disk: the storage error, everything readable, and on it goes with the room of a deleted topic', async (t) => {
  const disk = smallDisk(t)
  const dir = path.join(disk, 'data')
  const broker = await startChildBroker({ dir })
  t.teardown(() => broker.kill())
  const client = await connect(t, broker)
  for (const name of ['full', 'other', 'victim']) await create(t, client, name)
  const other = (await sendUntilRefused(client, 'other', 10)).acked
  await sendUntilRefused(client, 'victim', 50)
  const { acked, errorCode } = await sendUntilRefused(client, 'full')
  t.is(errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.true(acked.size > 50, `${acked.size} before the disk was full`)
  t.is((await send(client, 'full', 0)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR, 'and again')
  await holdsAll(t, client, 'other', other)
  await holdsAll(t, client, 'full', acked)

  t.is(await remove(client, 'victim'), ErrorCode.NONE)
  for (let sequence = 1000; sequence < 1020; sequence++) acked.set(await sendWhenThereIsRoom(client, 'full', sequence), sequence)
  t.is((await send(client, 'other', 10)).errorCode, ErrorCode.NONE)
  other.set(10, 10)
  await holdsAll(t, client, 'full', acked)

  await broker.kill()
  const again = await startChildBroker({ dir })
  t.teardown(() => again.kill())
  const reader = await connect(t, again)
  await holdsAll(t, reader, 'full', acked)
  await holdsAll(t, reader, 'other', other)
})

testOnSmallDisk(
  'with no byte left: nothing that is there is lost, a topic can be deleted, and new ones can be made when there is room',
  async (t) => {
    const disk = smallDisk(t)
    const broker = await startChildBroker({ dir: path.join(disk, 'data') })
    t.teardown(() => broker.kill())
    const client = await connect(t, broker)
    for (const name of ['full', 'victim']) await create(t, client, name)
    const { acked } = await sendUntilRefused(client, 'full', 20)
    await sendUntilRefused(client, 'victim', 20)
    const file = path.join(disk, 'ballast')
    ballast(file, 64 * MiB)
    t.is((await send(client, 'full', 0)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    await holdsAll(t, client, 'full', acked)
    t.is(await remove(client, 'victim'), ErrorCode.NONE)
    acked.set(await sendWhenThereIsRoom(client, 'full', 1000), 1000)
    await holdsAll(t, client, 'full', acked)

    ballast(path.join(disk, 'more'), 64 * MiB)
    t.is((await send(client, 'full', 0)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR, 'full again')
    const late = await tryToCreate(client, 'late')
    rmSync(file)
    acked.set(await sendWhenThereIsRoom(client, 'full', 1001), 1001)
    // Whether the full disk took the record of the topic but not its folder, or neither.
    if (late !== ErrorCode.NONE) await create(t, client, 'late')
    await holdsAll(t, client, 'late', new Map([[await sendWhenThereIsRoom(client, 'late', 7), 7]]))
    await create(t, client, 'fresh')
    const fresh = new Map([[await sendWhenThereIsRoom(client, 'fresh', 5), 5]])
    await holdsAll(t, client, 'fresh', fresh)
    await holdsAll(t, client, 'full', acked)
  }
)

testOnSmallDisk('a start on a full disk fails with one clear message', async (t) => {
  const disk = smallDisk(t)
  ballast(path.join(disk, 'ballast'), 64 * MiB)
  const dir = path.join(disk, 'data')
  const { code, stdout, stderr } = await run(process.execPath, [
    path.join(root, 'dist/src/cli/main.js'),
    'start',
    '--port',
    '0',
    '--dir',
    dir
  ])
  t.is(code, 1)
  t.notRegex(stdout, /^ready/m)
  t.regex(stderr, /^sluice: .*no space left on device.*\n {2}log\.dirs: .*\n$/)
  t.true(stderr.includes(disk), stderr)
})
