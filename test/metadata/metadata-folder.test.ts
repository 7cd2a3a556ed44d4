/** Folders that do not add up: one clear error that names the file, never a wrong image. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { WireError } from '../../src/errors.js'
import { loadMetadata } from '../../src/metadata/metadata-folder.js'
import { ProducerIds } from '../../src/metadata/producer-ids.js'
import { encodeBatches } from '../../src/metadata/record-codec.js'
import { RecordType, type MetadataRecord } from '../../src/metadata/records.js'
import { removeFolder, temporaryFolder } from './support/cluster.js'

const VERSION: MetadataRecord = { type: RecordType.featureLevel, version: 0, data: { name: 'metadata.version', featureLevel: 30 } }

function topic(name: string): MetadataRecord {
  return { type: RecordType.topic, version: 0, data: { name, topicId: name.padEnd(21, 'x') + 'A' } }
}

function batches(records: readonly MetadataRecord[], baseOffset = 0): Buffer {
  return Buffer.concat([...encodeBatches(records, { baseOffset, epoch: 1, timestamp: 1 }, 1)])
}

/** Segments by their base offset. */
function folder(t: ExecutionContext, segments: Readonly<Record<number, Buffer>>): string {
  const dir = temporaryFolder()
  t.teardown(() => removeFolder(dir))
  mkdirSync(dir, { recursive: true })
  for (const [base, bytes] of Object.entries(segments)) writeFileSync(path.join(dir, `${base.padStart(20, '0')}.log`), bytes)
  return dir
}

test('no folder and an empty one are an empty cluster', async (t) => {
  for (const dir of [folder(t, {}), path.join(folder(t, {}), 'none')]) {
    const { endOffset, lastEpoch, replayer } = await loadMetadata(dir)
    t.deepEqual([endOffset, lastEpoch, replayer.image.topicCount], [0, 0, 0])
  }
})

test('a torn end is passed over at every byte', async (t) => {
  const whole = batches([VERSION, topic('a'), topic('b')])
  const first = batches([VERSION, topic('a')]).length
  for (let length = first; length < whole.length; length += 7) {
    const { endOffset, replayer } = await loadMetadata(folder(t, { 0: whole.subarray(0, length) }))
    t.is(endOffset, 2)
    t.is(replayer.image.topicCount, 1)
  }
})

test('damage in front of another segment, and a gap, are refused', async (t) => {
  const first = batches([VERSION, topic('a')])
  const second = batches([topic('b')], 2)
  first[first.length - 1]! ^= 1
  await t.throwsAsync(loadMetadata(folder(t, { 0: first, 2: second })), { instanceOf: WireError, message: /0{20}\.log is damaged at byte/ })
  await t.throwsAsync(loadMetadata(folder(t, { 2: second })), {
    instanceOf: WireError,
    message: /0{19}2\.log is damaged: records 0 to 1 are missing/
  })
})

test('records that contradict what came before are refused', async (t) => {
  const contradictions: MetadataRecord[] = [
    topic('a'),
    { type: RecordType.removeTopic, version: 0, data: { topicId: 'neverMade'.padEnd(21, 'x') + 'A' } },
    { type: RecordType.endTransaction, version: 0, data: {} }
  ]
  for (const record of contradictions) {
    await t.throwsAsync(loadMetadata(folder(t, { 0: batches([VERSION, topic('a'), record]) })), { instanceOf: WireError })
  }
})

test('a metadata.version that is not known is refused', async (t) => {
  const newer: MetadataRecord = { type: RecordType.featureLevel, version: 0, data: { name: 'metadata.version', featureLevel: 31 } }
  await t.throwsAsync(loadMetadata(folder(t, { 0: batches([newer]) })), { instanceOf: WireError, message: /metadata.version 31.*up to 30/ })
})

test('random damage gives an image or a WireError, nothing else', async (t) => {
  const whole = readFileSync(path.resolve('test/fixtures/metadata/kafka-4.3.1/__cluster_metadata-0/00000000000000000000.log'))
  for (let at = 3; at < whole.length; at += 97) {
    const damaged = Buffer.from(whole)
    damaged[at] = damaged[at]! ^ 0x5a
    const loaded = await loadMetadata(folder(t, { 0: damaged })).catch((error: unknown) => error)
    // Offset and epoch of a batch are not under its CRC.
    if (!(loaded instanceof WireError)) t.true((loaded as Awaited<ReturnType<typeof loadMetadata>>).endOffset <= 141)
  }
})

test('producer ids: each once, however many ask; one request for each block', async (t) => {
  let blocks = 0
  const ids = new ProducerIds(async () => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    return { errorCode: 0, start: blocks++ * 10, length: 10 }
  })
  const given = await Promise.all(Array.from({ length: 25 }, () => ids.next()))
  t.deepEqual(
    given.map(({ producerId }) => producerId).toSorted((a, b) => a - b),
    Array.from({ length: 25 }, (_, at) => at)
  )
  t.is(blocks, 3)
})
