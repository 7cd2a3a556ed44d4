/** Truncation of logs that are compacted, before and while they are. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { assertSound, compact, endTransaction, latest, put, seen, startCompacting, type Compacting, type Pair } from './support.js'

const COUNT = 5

function pairOf(name: string, round: number, index: number): Pair {
  return [`k${(round * 3 + index) % 20}`, `${name}${round}-${index}`.padEnd(40, 'x')]
}

async function fill(one: Compacting, rounds: number, name: string): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    one.clock.advance(10)
    await put(
      one,
      Array.from({ length: COUNT }, (_, index) => pairOf(name, round, index))
    )
  }
}

async function checkpoint({ engine }: Compacting): Promise<number> {
  const lines = (await readFile(path.join(engine.dir, 'cleaner-offset-checkpoint'), 'utf8')).split('\n')
  return Number(lines.find((line) => line.startsWith('t 0 '))?.split(' ')[2])
}

test('what is written in place of compacted records counts as not compacted', async (t) => {
  const one = await startCompacting(t)
  await fill(one, 40, 'old')
  await compact(one)
  t.is(await checkpoint(one), 200)
  const kept = await seen(one.log)
  const cut = kept[Math.floor(kept.length / 2)]!.offset
  t.true(await one.log.truncateTo(cut))
  const { endOffset } = one.log
  t.true(endOffset <= cut && endOffset > cut - COUNT, 'a batch goes as a whole')
  t.true((await checkpoint(one)) <= endOffset)
  t.deepEqual(
    await seen(one.log),
    kept.filter(({ offset }) => offset < endOffset)
  )
  await fill(one, 40, 'new')
  const before = await seen(one.log)
  await compact(one)
  const after = await seen(one.log)
  t.is(after.length, 20, 'each key once')
  t.deepEqual(latest(after), latest(before))
  await assertSound(t, one.engine)
  await one.engine.drop()
  const again = await startCompacting(t, { dir: one.engine.dir })
  t.deepEqual(await seen(again.log), after)
})

test('a truncation stops a compaction, and the log is what it would be without it', async (t) => {
  for (let delay = 0; delay < 12; delay++) {
    const one = await startCompacting(t)
    await fill(one, 30, 'a')
    await endTransaction(one, 7, false)
    one.log.roll()
    await fill(one, 2, 'b')
    const cleaning = one.engine.manager.cleaner.cleanFilthiest()
    for (let turn = 0; turn < 4 * delay; turn++) await new Promise(setImmediate)
    const offset = 20 + 10 * delay
    t.true(await one.log.truncateTo(offset))
    await cleaning
    t.is(one.log.endOffset, offset)
    // What compaction removed because of something newer, which is cut off now, does not come back: as in Kafka.
    for (const { key, value, offset: at } of await seen(one.log)) {
      t.true(at < offset)
      t.deepEqual([key, value], pairOf('a', Math.floor(at / COUNT), at % COUNT))
    }
    await fill(one, 10, 'c')
    const before = latest(await seen(one.log))
    await compact(one)
    t.deepEqual(latest(await seen(one.log)), before)
    await assertSound(t, one.engine)
    await one.engine.stop()
    const again = await startCompacting(t, { dir: one.engine.dir })
    t.is(again.log.endOffset, offset + 50)
    await again.engine.stop()
  }
})
