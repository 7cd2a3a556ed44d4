/** The parts of the engine that decide without a disk: epochs, checkpoints, retention, names. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { readEpochCheckpoint, readOffsetCheckpoint, writeEpochCheckpoint, writeOffsetCheckpoint } from '../../src/storage/checkpoints.js'
import { Fifo } from '../../src/storage/fifo.js'
import { LeaderEpochs } from '../../src/storage/leader-epochs.js'
import { deletedFolder, isDeletedFolder, offsetName, parsePartitionFolder, parseSegmentFile } from '../../src/storage/names.js'
import { deletableSegments, type RetentionRules } from '../../src/storage/retention.js'
import { temporaryFolder } from './support.js'

const epochs = () =>
  new LeaderEpochs([
    { epoch: 1, startOffset: 10 },
    { epoch: 3, startOffset: 20 },
    { epoch: 7, startOffset: 30 }
  ])

test('the end of an epoch is where the next known one begins', (t) => {
  const known = epochs()
  t.deepEqual(known.endOffset(7, 99), { epoch: 7, endOffset: 99 })
  t.deepEqual(known.endOffset(3, 99), { epoch: 3, endOffset: 30 })
  t.deepEqual(known.endOffset(2, 99), { epoch: 1, endOffset: 20 }, 'the largest one not above it')
  t.deepEqual(known.endOffset(0, 99), { epoch: 0, endOffset: 10 }, 'older than all that is known')
  t.deepEqual(known.endOffset(8, 99), { epoch: -1, endOffset: -1 })
  t.deepEqual(known.endOffset(-1, 99), { epoch: -1, endOffset: -1 })
  t.deepEqual(new LeaderEpochs().endOffset(0, 0), { epoch: -1, endOffset: -1 })
  t.is(known.epochAt(19), 1)
  t.is(known.epochAt(9), -1)
})

test('an epoch takes the place of those that it contradicts', (t) => {
  const after = (epoch: number, startOffset: number) => {
    const known = epochs()
    known.assign(epoch, startOffset)
    return known.entries.map((entry) => [entry.epoch, entry.startOffset])
  }
  const [one, two, three] = epochs().entries.map((entry) => [entry.epoch, entry.startOffset])
  t.deepEqual(after(8, 31), [one, two, three, [8, 31]])
  t.deepEqual(after(8, 30), [one, two, [8, 30]])
  t.deepEqual(after(7, 40), [one, two, three], 'it goes on')
  t.deepEqual(after(7, 25), [one, two, [7, 25]])
  t.deepEqual(after(5, 15), [one, [5, 15]])
  t.deepEqual(after(3, 99), [one, [3, 99]])
  t.deepEqual(after(1, 0), [[1, 0]])
})

test('a log of hundreds of thousands of epochs opens at once', (t) => {
  const many = Array.from({ length: 300_000 }, (_, index) => ({ epoch: index, startOffset: 2 * index }))
  const known = new LeaderEpochs(many)
  t.is(known.entries.length, many.length)
  t.is(known.epochAt(100_001), 50_000)
})

test('cutting a log cuts its epochs', (t) => {
  const known = epochs()
  known.truncateFromEnd(30)
  t.is(known.latest, 3)
  known.truncateFromStart(25)
  t.deepEqual(known.entries, [{ epoch: 3, startOffset: 25 }])
  known.assign(5, 25)
  t.deepEqual(known.entries, [{ epoch: 5, startOffset: 25 }], 'an epoch in which nothing was written gives way')
  const version = known.version
  known.assign(5, 40)
  known.truncateFromStart(20)
  known.truncateFromEnd(50)
  t.is(known.version, version, 'nothing to write')
})

test('checkpoints are read back, and refused when they are malformed', async (t) => {
  const folder = await temporaryFolder(t)
  const offsets = path.join(folder, 'offsets')
  t.is((await readOffsetCheckpoint(offsets)).size, 0)
  await writeOffsetCheckpoint(offsets, [
    { topic: 'a-b', partition: 0, offset: 5 },
    { topic: '__x', partition: 12, offset: 0 }
  ])
  t.is(await readFile(offsets, 'utf8'), '0\n2\na-b 0 5\n__x 12 0\n')
  t.deepEqual(
    [...(await readOffsetCheckpoint(offsets))],
    [
      ['a-b-0', 5],
      ['__x-12', 0]
    ]
  )
  const epochFile = path.join(folder, 'epochs')
  await writeEpochCheckpoint(epochFile, epochs().entries)
  t.deepEqual(await readEpochCheckpoint(epochFile), [...epochs().entries])
  for (const text of ['1\n0\n', '0\n2\na 0 5\n', '0\n1\na 0\n', '0\n1\na 0 x\n', 'x']) {
    await writeFile(offsets, text)
    await t.throwsAsync(readOffsetCheckpoint(offsets), { name: 'WireError' }, JSON.stringify(text))
  }
})

const rules: RetentionRules = { nowMs: 1000, retentionMs: -1, retentionBytes: -1, logStartOffset: 0, endOffset: 25, byPolicy: true }
const segment = (size: number, timestamp: number, nextBase: number) => ({ size, timestamp, nextBase })
const three = [segment(100, 10, 10), segment(100, 500, 20), segment(50, 900, 25)]

test('retention by time takes segments from the front while their newest record is too old', (t) => {
  t.is(deletableSegments(three, rules), 0)
  t.is(deletableSegments(three, { ...rules, retentionMs: 600 }), 1)
  t.is(deletableSegments(three, { ...rules, retentionMs: 400 }), 2)
  t.is(deletableSegments(three, { ...rules, retentionMs: 50 }), 3, 'the active one too, when it is old')
  t.is(deletableSegments([segment(100, 900, 10), segment(100, 0, 20)], { ...rules, retentionMs: 400 }), 0)
  t.is(deletableSegments([segment(100, 0, 10), segment(0, 0, 10)], { ...rules, retentionMs: 400 }), 1, 'an empty last one stays')
})

test('retention by size takes only what is wholly surplus', (t) => {
  t.is(deletableSegments(three, { ...rules, retentionBytes: 151 }), 0)
  t.is(deletableSegments(three, { ...rules, retentionBytes: 150 }), 1)
  t.is(deletableSegments(three, { ...rules, retentionBytes: 50 }), 2)
  t.is(deletableSegments(three, { ...rules, retentionBytes: 0 }), 3)
  t.is(deletableSegments(three, { ...rules, retentionBytes: 0, byPolicy: false }), 0)
})

test('nothing goes that reaches beyond the end of what is written', (t) => {
  const old = { ...rules, retentionMs: 50 }
  t.is(deletableSegments(three, { ...old, endOffset: 24 }), 2)
  t.is(deletableSegments(three, { ...old, endOffset: 19 }), 1)
  t.is(deletableSegments(three, { ...old, retentionBytes: 0, endOffset: 9 }), 0)
})

test('what lies before the log start goes whatever the policy is', (t) => {
  const compacted = { ...rules, byPolicy: false }
  t.is(deletableSegments(three, { ...compacted, logStartOffset: 9 }), 0)
  t.is(deletableSegments(three, { ...compacted, logStartOffset: 10 }), 1)
  t.is(deletableSegments(three, { ...compacted, logStartOffset: 25 }), 2, 'the active one stays')
})

test('what was put in first comes out first, however many there are', (t) => {
  const fifo = new Fifo<number>()
  t.is(fifo.shift(), undefined)
  let [put, taken] = [0, 0]
  for (const [more, less] of [
    [3, 2],
    [5000, 4000],
    [1, 900],
    [2000, 2100],
    [3000, 2002]
  ] as const) {
    for (let i = 0; i < more; i++) fifo.push(put++)
    t.is(fifo.first, taken)
    t.is(
      fifo.find((one) => one > taken),
      put - taken > 1 ? taken + 1 : undefined
    )
    for (let i = 0; i < less; i++) t.is(fifo.shift(), taken++)
  }
  while (taken < put) t.is(fifo.shift(), taken++)
  t.is(fifo.first, undefined)
  t.is(fifo.shift(), undefined)
})

test('names of folders and files lead back to what they stand for', (t) => {
  t.deepEqual(parsePartitionFolder('my-topic.x-12'), { topic: 'my-topic.x', partition: 12 })
  for (const name of ['topic', 'topic-', 'topic-01', '-1', 't/x-1', 'a b-1', 'cleaner-offset-checkpoint'])
    t.is(parsePartitionFolder(name), undefined)
  const deleted = deletedFolder('t'.repeat(249), 3, 'ab'.repeat(16))
  t.true(deleted.length <= 255 && isDeletedFolder(deleted))
  t.is(parsePartitionFolder(deleted), undefined)
  t.deepEqual(parseSegmentFile(offsetName(42) + '.log'), { offset: 42, suffix: '.log', state: '' })
  t.deepEqual(parseSegmentFile(offsetName(42) + '.index.deleted'), { offset: 42, suffix: '.index', state: '.deleted' })
  for (const name of ['42.log', '00000000000000000042.txt', '00000000000000000072-0000000001.checkpoint', 'notes.log']) {
    t.is(parseSegmentFile(name), undefined)
  }
})
