/** A compacted log in another directory is the same log. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { startEngine, temporaryFolder } from '../support.js'
import { assertSound, compact, put, seen, startCompacting } from './support.js'

test('a log whose first records were compacted away keeps its start when it is moved', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const compacting = await startCompacting(t, { dirs })
  const { engine, log } = compacting
  for (let round = 0; round < 20; round++) await put(compacting, [['k', `value ${round}`.padEnd(300, '.')]])
  await compact(compacting)
  const before = await seen(log)
  t.true(before[0]!.offset > 0)
  const { manager } = engine
  const target = dirs.find((dir) => dir !== manager.dirOf('t', 0)!.path)!
  t.is(await manager.moves.start('t', 0, target), 0)
  while (manager.moves.isMoving('t', 0)) await delay(2)
  const moved = manager.get('t', 0)!
  t.is(moved.folder, path.join(target, 't-0'))
  t.is(moved.logStartOffset, 0)
  t.is(moved.endOffset, log.endOffset)
  t.deepEqual(await seen(moved), before)
  const { errorCode } = await moved.read(1, 1000, moved.endOffset, true)
  t.is(errorCode, 0)
  await engine.stop()
  await assertSound(t, { ...engine, dir: target })
})

test('a log is compacted in another directory, whatever was compacted there before', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const [one, two] = dirs as [string, string]
  const before = await startEngine(t, { dirs })
  await before.stop()
  await writeFile(path.join(two, 'cleaner-offset-checkpoint'), '0\n1\nt 0 20\n')
  const compacting = await startCompacting(t, { dirs })
  const { manager } = compacting.engine
  t.is(manager.dirOf('t', 0)!.path, one)
  for (const key of ['early', 'late'])
    for (let round = 0; round < 20; round++) await put(compacting, [[key, `value ${round}`.padEnd(300, '.')]])
  t.is(await manager.moves.start('t', 0, two), 0)
  while (manager.moves.isMoving('t', 0)) await delay(2)
  const moved = manager.get('t', 0)!
  await compact({ ...compacting, log: moved })
  t.is((await seen(moved)).filter(({ key }) => key === 'early').length, 1)
})

test('batches of which compaction has left a part are moved', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const compacting = await startCompacting(t, { dirs })
  const { engine, log } = compacting
  for (let round = 0; round < 20; round++) {
    await put(compacting, [
      ['k', `value ${round}`.padEnd(300, '.')],
      [`k${round % 7}`, `value ${round}`]
    ])
  }
  await compact(compacting)
  const before = await seen(log)
  t.true(before.length < 20)
  const { manager } = engine
  const target = dirs.find((dir) => dir !== manager.dirOf('t', 0)!.path)!
  t.is(await manager.moves.start('t', 0, target), 0)
  while (manager.moves.isMoving('t', 0)) await delay(2)
  t.is(manager.dirOf('t', 0)!.path, target, engine.lines.join('\n'))
  const moved = manager.get('t', 0)!
  t.is(moved.endOffset, log.endOffset)
  t.deepEqual(await seen(moved), before)
  await engine.stop()
  await assertSound(t, { ...engine, dir: target })
})
