/** Moves of logs, and copies, in states that only crashes leave: each ends. */
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { Log } from '../../src/storage/log.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { moved } from './moving.js'
import { append, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

/** Of the event loop: time for a small file. */
const TURNS = 2000
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const TOPIC = { 'file.delete.delay.ms': '0', 'retention.ms': '-1' }

/** A partition in the first of two directories, closed in order. */
async function closedPartition(t: ExecutionContext, fill: (engine: Engine, log: Log) => Promise<unknown>): Promise<[string, string]> {
  const base = await temporaryFolder(t)
  const dirs: [string, string] = [path.join(base, 'one'), path.join(base, 'two')]
  const engine = await startEngine(t, { dirs, topic: TOPIC })
  await fill(engine, await engine.manager.create('t', 0, TOPIC_ID, engine.config(), dirs[0]))
  await engine.stop()
  return dirs
}

test('a copy that has lost its files, of a log that begins within a batch, is made anew', async (t) => {
  const [one, two] = await closedPartition(t, async (engine, log) => {
    await append(engine, log, values(4))
    await append(engine, log, values(4))
    await log.deleteRecordsBefore(2)
  })
  const future = path.join(two, `t-0.${'a'.repeat(32)}-future`)
  await mkdir(future)
  await copyFile(path.join(one, 't-0', 'partition.metadata'), path.join(future, 'partition.metadata'))
  await writeFile(path.join(two, 'log-start-offset-checkpoint'), '0\n1\nt 0 2\n')
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  const log = await moved(engine, two)
  t.deepEqual(
    (await readAll(log)).map(({ offset }) => offset),
    [2, 3, 4, 5, 6, 7]
  )
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(two, 't-0')), [])
})

test('a log that has offsets, but no batch any more, moves with them', async (t) => {
  const [one, two] = await closedPartition(t, (engine, log) => append(engine, log, values(1)))
  const folder = path.join(one, 't-0')
  for (const name of await readdir(folder)) if (/^\d/.test(name)) await rm(path.join(folder, name))
  // As compaction leaves it when all that was there is deleted.
  for (const base of [0, 20]) await writeFile(path.join(folder, `${String(base).padStart(20, '0')}.log`), '')
  await rm(path.join(one, '.kafka_cleanshutdown'))
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  const before = (await engine.manager.whenReady('t', 0))!
  t.deepEqual([before.logStartOffset, before.endOffset], [0, 20])
  t.is(await engine.manager.moves.start('t', 0, two), ErrorCode.NONE)
  const log = await moved(engine, two)
  t.deepEqual([log.logStartOffset, log.endOffset], [0, 20])
  t.is((await append(engine, log, values(2))).baseOffset, 20)
  await engine.stop()
  const again = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.deepEqual([reopened.logStartOffset, reopened.endOffset], [0, 22])
  t.is((await readAll(reopened, 0)).length, 2)
})

test('a copy that has lost its first segment is made anew', async (t) => {
  const [one, two] = await closedPartition(t, async (engine, log) => {
    for (let round = 0; round < 5; round++) await append(engine, log, values(4))
  })
  const future = path.join(two, `t-0.${'b'.repeat(32)}-future`)
  await mkdir(future)
  await copyFile(path.join(one, 't-0', 'partition.metadata'), path.join(future, 'partition.metadata'))
  await writeFile(path.join(future, '00000000000000000008.log'), '')
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  const log = await moved(engine, two)
  t.is(log.logStartOffset, 0)
  t.is((await readAll(log)).length, 20)
})

test('what the checkpoints of the other directory say of an earlier log of that name is gone before the copy begins', async (t) => {
  const [one, two] = await closedPartition(t, (engine, log) => append(engine, log, values(4)))
  const checkpoints = ['recovery-point', 'log-start'].map((what) => path.join(two, `${what}-offset-checkpoint`))
  for (const file of checkpoints) await writeFile(file, '0\n1\nt 0 999\n')
  const said: string[] = []
  const assignDir = async () => {
    for (const file of checkpoints) said.push(await readFile(file, 'utf8'))
    return true
  }
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC, more: { assignDir } })
  await engine.manager.whenReady('t', 0)
  t.is(await engine.manager.moves.start('t', 0, two), ErrorCode.NONE)
  // The copy is there now, if not whole: a start would go by these.
  for (const file of checkpoints) t.notRegex(await readFile(file, 'utf8'), /999/)
  await moved(engine, two)
  t.deepEqual(said, ['0\n1\nt 0 4\n', '0\n0\n'])
})

test('a log that gets its topic id while it is copied has it after the move', async (t) => {
  const [one, two] = await closedPartition(t, (engine, log) => append(engine, log, values(4)))
  await rm(path.join(one, 't-0', 'partition.metadata'))
  const engine = await startEngine(t, {
    dirs: [one, two],
    topic: TOPIC,
    more: { assignDir: ({ topicId }) => Promise.resolve(topicId === TOPIC_ID) }
  })
  await engine.manager.whenReady('t', 0)
  t.is(await engine.manager.moves.start('t', 0, two), ErrorCode.NONE)
  await engine.manager.whenReady('t', 0, TOPIC_ID)
  t.is((await moved(engine, two)).topicId, TOPIC_ID)
  t.regex(await readFile(path.join(two, 't-0', 'partition.metadata'), 'utf8'), new RegExp(`^topic_id: ${TOPIC_ID}$`, 'm'))
})

test("a copy of a log of another topic is not taken for this one's, though both hold the same", async (t) => {
  const [one, two] = await closedPartition(t, (engine, log) => append(engine, log, values(4)))
  const future = path.join(two, `t-0.${'e'.repeat(32)}-future`)
  await cp(path.join(one, 't-0'), future, { recursive: true })
  await writeFile(path.join(future, 'partition.metadata'), `version: 0\ntopic_id: ${OTHER_ID}`)
  await writeFile(path.join(two, 'recovery-point-offset-checkpoint'), '0\n1\nt 0 4\n')
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  t.is((await moved(engine, two)).endOffset, 4)
  t.regex(await readFile(path.join(two, 't-0', 'partition.metadata'), 'utf8'), new RegExp(`^topic_id: ${TOPIC_ID}$`, 'm'))
})

test('a log that gets its topic id while the metadata is told where it is has it after the move', async (t) => {
  const [one, two] = await closedPartition(t, (engine, log) => append(engine, log, values(4)))
  await rm(path.join(one, 't-0', 'partition.metadata'))
  let ready: Promise<Log | undefined> | undefined
  const assignDir = async (log: Log): Promise<boolean> => {
    ready ??= engine.manager.whenReady('t', 0, TOPIC_ID)
    for (let turn = 0; turn < TURNS && log.topicId !== TOPIC_ID; turn++) await new Promise(setImmediate)
    return log.topicId === TOPIC_ID
  }
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC, more: { assignDir } })
  await engine.manager.whenReady('t', 0)
  t.is(await engine.manager.moves.start('t', 0, two), ErrorCode.NONE)
  t.is((await moved(engine, two)).topicId, TOPIC_ID)
  t.is((await ready)?.topicId, TOPIC_ID)
  t.regex(await readFile(path.join(two, 't-0', 'partition.metadata'), 'utf8'), new RegExp(`^topic_id: ${TOPIC_ID}$`, 'm'))
})

/** A copy whose second segment is lost, while those behind it came to the disk. */
async function holedCopy(t: ExecutionContext, leave: (dir: string, flushed: number) => Promise<void>): Promise<void> {
  const topic = { ...TOPIC, 'internal.segment.bytes': '500' }
  const [one, two] = await closedPartition(t, async (engine, log) => {
    log.configure(engine.config(topic))
    for (let round = 0; round < 12; round++) await append(engine, log, values(4, `${round}-`, 50))
  })
  const folder = path.join(one, 't-0')
  const future = path.join(two, `t-0.${'c'.repeat(32)}-future`)
  await mkdir(future)
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log')).toSorted()
  t.true(logs.length > 4)
  for (const name of ['partition.metadata', 'leader-epoch-checkpoint', ...logs.filter((_, index) => index !== 1)])
    await copyFile(path.join(folder, name), path.join(future, name))
  await leave(two, Number.parseInt(logs[1]!, 10))
  const engine = await startEngine(t, { dirs: [one, two], topic })
  const log = await moved(engine, two)
  t.deepEqual(
    (await readAll(log)).map(({ offset }) => offset),
    Array.from({ length: 48 }, (_, offset) => offset)
  )
}

test('of a copy that a power cut has holed, what was not flushed is copied again', (t) =>
  holedCopy(t, async (dir, flushed) => {
    await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), `0\n1\nt 0 ${flushed}\n`)
    await rm(path.join(dir, '.kafka_cleanshutdown'))
  }))

test('of a copy that was given up when its directory was closed nothing is taken for flushed', (t) =>
  // The checkpoint does not name it.
  holedCopy(t, () => Promise.resolve()))

test('a copy that ends in another batch than the log has there is made anew, whatever was flushed', async (t) => {
  // The log has lost the end of it, and gone on, while the directory of the copy did not work.
  const [lost] = await closedPartition(t, (engine, log) => append(engine, log, values(1, 'lost')))
  const [one, two] = await closedPartition(t, (engine, log) => append(engine, log, values(1, 'kept')))
  await cp(path.join(lost, 't-0'), path.join(two, `t-0.${'f'.repeat(32)}-future`), { recursive: true })
  await writeFile(path.join(two, 'recovery-point-offset-checkpoint'), '0\n1\nt 0 1\n')
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  const log = await moved(engine, two)
  t.deepEqual(
    (await readAll(log)).map(({ value }) => value!.toString()),
    ['kept0']
  )
})

test('a copy of what the log had lost is not taken for the log, though both end alike', async (t) => {
  const timestamp = Date.now()
  const fill = (first: string) => async (engine: Engine, log: Log) => {
    await append(engine, log, values(1, first), { timestamp })
    await append(engine, log, values(1, 'last'), { timestamp })
  }
  // What a power cut took from the log, another producer has written since; and then somebody's retry.
  const [lost] = await closedPartition(t, fill('lost'))
  const [one, two] = await closedPartition(t, fill('kept'))
  const future = path.join(two, `t-0.${'d'.repeat(32)}-future`)
  await cp(path.join(lost, 't-0'), future, { recursive: true })
  for (const [dir, point] of [
    [one, 0],
    [two, 2]
  ] as const) {
    await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), `0\n1\nt 0 ${point}\n`)
    await rm(path.join(dir, '.kafka_cleanshutdown'))
  }
  const engine = await startEngine(t, { dirs: [one, two], topic: TOPIC })
  const log = await moved(engine, two)
  t.deepEqual(
    (await readAll(log)).map(({ value }) => value!.toString()),
    ['kept0', 'last0']
  )
})
