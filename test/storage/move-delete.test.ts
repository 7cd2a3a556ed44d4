/** Deleting partitions while others are moved: as in a broker, whose moves need a word of the metadata, and whose metadata waits for deletions. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { TaskQueue } from '../../src/storage/task-queue.js'
import { append, readAll, startEngine, temporaryFolder, TOPIC_ID, values } from './support.js'

test('a deletion does not wait for the moves before its own', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = [path.join(base, 'one'), path.join(base, 'two')]
  let asked: (() => void) | undefined
  const asking = new Promise<void>((resolve) => (asked = resolve))
  let answer: ((assigned: boolean) => void) | undefined
  const answered = new Promise<boolean>((resolve) => (answer = resolve))
  const assignDir = () => {
    asked!()
    return answered
  }
  const settings = { 'num.replica.alter.log.dirs.threads': '1' }
  const engine = await startEngine(t, { dirs, settings, topic: { 'file.delete.delay.ms': '0' }, more: { assignDir } })
  const { manager } = engine
  const other = (topic: string) => dirs.find((dir) => dir !== manager.dirOf(topic, 0)!.path)!
  for (const topic of ['kept', 'gone']) await append(engine, await manager.create(topic, 0, TOPIC_ID, engine.config()), values(5))
  const replaced = new Promise((resolve) => (manager.onReplaced = resolve))
  const there = other('kept')
  t.is(await manager.moves.start('kept', 0, there), ErrorCode.NONE)
  await asking
  const waiting = append(engine, manager.get('kept', 0)!, values(1))
  t.is(await manager.moves.start('gone', 0, other('gone')), ErrorCode.NONE)

  await manager.delete('gone', 0)
  t.is(manager.get('gone', 0), undefined)
  t.false(manager.moves.isMoving('gone', 0))

  answer!(true)
  await replaced
  t.is((await waiting).errorCode, ErrorCode.NONE)
  t.is(manager.dirOf('kept', 0)!.path, there)
  t.is((await readAll(manager.get('kept', 0)!)).length, 6)
  await engine.stop()
  const names = (await Promise.all(dirs.map((dir) => readdir(dir)))).flat().filter((name) => /^(kept|gone)-/.test(name))
  t.deepEqual(names, ['kept-0'])
})

test('a task that is called off before its turn is not run, and those behind it are', async (t) => {
  const queue = new TaskQueue(1)
  const off = new AbortController()
  const ran: string[] = []
  let end: (() => void) | undefined
  const first = queue.run(() => new Promise<void>((resolve) => (end = resolve)))
  const task = (name: string) => async () => ran.push(name)
  const second = queue.runUnless(off.signal, task('second'))
  const third = queue.runUnless(off.signal, task('third'))
  const fourth = queue.run(task('fourth'))
  off.abort()
  t.is(await second, undefined)
  t.is(await third, undefined)
  t.is(await queue.runUnless(off.signal, task('fifth')), undefined)
  end!()
  await Promise.all([first, fourth])
  await queue.runUnless(new AbortController().signal, task('sixth'))
  t.deepEqual(ran, ['fourth', 'sixth'])
})
