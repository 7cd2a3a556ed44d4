/** What a crash, a full disk or a power cut may leave in a folder, and what must not come of it. Each was a defect that test/crash found or suspected. */
import { cp, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { readInt64 } from '../../src/record/batch.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, readAll, startEngine, TOPIC_ID, values } from './support.js'

const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const NOW = 1_700_000_000_000
const small = { 'internal.segment.bytes': '1000', 'index.interval.bytes': '100' }

test('a partition that is created anew does not begin where the checkpoints say that a deleted one did', async (t) => {
  const before = await startEngine(t, { topic: small })
  const old = await before.manager.create('t', 0, TOPIC_ID, before.config())
  await append(before, old, values(20))
  await old.deleteRecordsBefore(15)
  await before.stop()
  // The folder was renamed for deletion, then the power failed: the checkpoints still name it.
  await rename(path.join(before.dir, 't-0'), path.join(before.dir, `t-0.${'0'.repeat(32)}-delete`))

  const engine = await startEngine(t, { dir: before.dir, topic: small })
  const log = await engine.manager.create('t', 0, OTHER_ID, engine.config())
  await append(engine, log, values(3, 'new'))
  await engine.drop()

  const again = await startEngine(t, { dir: before.dir, topic: small })
  const found = (await again.manager.whenReady('t', 0, OTHER_ID))!
  t.is(found.logStartOffset, 0)
  t.deepEqual(
    (await readAll(found)).map((record) => record.value!.toString()),
    ['new0', 'new1', 'new2']
  )
})

test('a partition that is created while its predecessor is being deleted is another one', async (t) => {
  const engine = await startEngine(t, { topic: small })
  const old = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, old, values(20))
  const deletion = engine.manager.delete('t', 0)
  await new Promise((resolve) => setImmediate(resolve))
  const log = await engine.manager.create('t', 0, OTHER_ID, engine.config())
  await deletion
  t.is((await append(engine, log, values(1))).baseOffset, 0)
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(engine.dir, 't-0')), [])
})

test('a folder whose deletion could not be finished is not taken for the new partition of that name', async (t) => {
  const engine = await startEngine(t, { topic: small })
  const old = await engine.manager.create('old', 0, TOPIC_ID, engine.config())
  await append(engine, old, values(20))
  await old.flush()
  await cp(old.folder, path.join(engine.dir, 't-0'), { recursive: true })
  const log = await engine.manager.create('t', 0, OTHER_ID, engine.config())
  t.is(log.endOffset, 0)
  t.is((await append(engine, log, values(1))).baseOffset, 0)
  t.is((await readdir(engine.dir)).filter((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name)).length, 1)
})

const spoiledSnapshots: readonly [what: string, spoil: (folder: string, name: string) => Promise<void>][] = [
  ['whose last snapshot was torn', (folder, name) => writeFile(path.join(folder, name), Buffer.alloc(10))],
  [
    'that left only a snapshot from beyond the end',
    (folder, name) => rename(path.join(folder, name), path.join(folder, `${'40'.padStart(20, '0')}.snapshot`))
  ]
]

for (const [what, spoil] of spoiledSnapshots) {
  test(`producers are known after a clean stop ${what}`, async (t) => {
    const engine = await startEngine(t, { topic: small })
    const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0 }
    await append(engine, log, values(3), producer)
    await engine.stop()
    const folder = path.join(engine.dir, 't-0')
    for (const name of await readdir(folder)) if (name.endsWith('.snapshot')) await spoil(folder, name)

    const again = await startEngine(t, { dir: engine.dir, topic: small })
    const found = (await again.manager.whenReady('t', 0))!
    t.is((await append(again, found, values(3), producer)).baseOffset, 0, 'a retry is known')
    t.is((await append(again, found, values(1), { ...producer, baseSequence: 9 })).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  })
}

test('indexes that are made anew end in the largest timestamp, which retention goes by', async (t) => {
  const engine = await startEngine(t, { topic: small })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let index = 0; log.segmentCount < 3; index++) await append(engine, log, values(1, 'v', 90), { timestamp: NOW + index })
  await engine.stop()
  const folder = path.join(engine.dir, 't-0')
  const first = '0'.repeat(20)
  const before = await readFile(path.join(folder, `${first}.timeindex`))
  for (const lost of [['.timeindex'], ['.index'], ['.index', '.timeindex']]) {
    for (const suffix of lost) await unlink(path.join(folder, first + suffix))
    const again = await startEngine(t, { dir: engine.dir, topic: small })
    await again.manager.whenReady('t', 0)
    await again.stop()
    const after = await readFile(path.join(folder, `${first}.timeindex`))
    t.is(readInt64(after, after.length - 12), readInt64(before, before.length - 12), `without ${lost.join(', ')}`)
    t.deepEqual(await verifyFolder(folder), [])
  }
})

test('leader epochs that can not be read are found again from all batches, also after a clean stop', async (t) => {
  const engine = await startEngine(t, { topic: small })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (const epoch of [1, 1, 4, 4, 9]) await append(engine, log, values(2), {}, epoch)
  await engine.stop()
  await writeFile(path.join(engine.dir, 't-0', 'leader-epoch-checkpoint'), '0\n3\n1 0\n')
  const again = await startEngine(t, { dir: engine.dir, topic: small })
  const found = (await again.manager.whenReady('t', 0))!
  t.deepEqual(
    [0, 3, 4, 7, 8].map((offset) => found.epochOf(offset)),
    [1, 1, 4, 4, 9]
  )
})

test('a checkpoint that can not be written takes the folder offline', async (t) => {
  const engine = await startEngine(t, { topic: small })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(5))
  const failed = new Promise<string>((resolve) => (engine.manager.onDirFailure = (_, error) => resolve(error.code)))
  const inTheWay = path.join(engine.dir, 'log-start-offset-checkpoint.tmp')
  await mkdir(inTheWay)
  t.is((await log.deleteRecordsBefore(2)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.is(await failed, 'ENOTSUP')
  t.is((await append(engine, log, values(1))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  await rm(inTheWay, { recursive: true, force: true })
})

test('a directory in which a log could not be opened is not taken for closed in an orderly way', async (t) => {
  const engine = await startEngine(t)
  const killed = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, killed, values(1), { producerId: 7, producerEpoch: 0, baseSequence: 0 })
  await killed.flush()
  await engine.manager.dirs[0]!.saveRecoveryPoints()
  await engine.drop()
  const obstacle = path.join(killed.folder, '00000000000000000000.txnindex')
  await mkdir(obstacle)
  const second = await startEngine(t, { dir: engine.dir })
  await t.throwsAsync(second.manager.whenReady('t', 0)!, { name: 'StorageError' })
  await second.stop()
  await rm(obstacle, { recursive: true })
  const third = await startEngine(t, { dir: engine.dir })
  t.is((await third.manager.whenReady('t', 0))?.producer(7)?.batches.at(-1)?.lastSequence, 0)
})

test('of a log that a power cut has emptied, what is left of its indexes goes', async (t) => {
  const topic = { 'index.interval.bytes': '1' }
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 5; round++) await append(engine, log, values(2))
  await engine.drop()
  const file = (suffix: string) => path.join(log.folder, `${'0'.repeat(20)}${suffix}`)
  await writeFile(file('.log'), '')
  await writeFile(file('.index'), Buffer.alloc(19, 1))
  await writeFile(file('.timeindex'), Buffer.alloc(1))
  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.is(reopened.endOffset, 0)
  await append(again, reopened, values(1))
  await reopened.flush()
  await again.drop()
  t.deepEqual(await verifyFolder(log.folder), [])
})

test('a log that begins anew, because it ends before its start, takes what producers send next', async (t) => {
  const engine = await startEngine(t, { topic: small })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const producer = { producerId: 7, producerEpoch: 0 }
  await append(engine, log, values(5), { ...producer, baseSequence: 0 })
  await engine.stop()
  await writeFile(path.join(engine.dir, 'log-start-offset-checkpoint'), '0\n1\nt 0 100\n')

  const again = await startEngine(t, { dir: engine.dir, topic: small })
  const found = (await again.manager.whenReady('t', 0))!
  // Sequences 5 to 94 went with the end of the log.
  t.is((await append(again, found, values(5), { ...producer, baseSequence: 95 })).baseOffset, 100)
  t.is((await append(again, found, values(5), { ...producer, baseSequence: 95 })).baseOffset, 100, 'a retry is known')
})
