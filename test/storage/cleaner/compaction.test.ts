/** What compaction keeps, in a log that goes on being written and read. */
import { readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { writeInt64 } from '../../../src/record/batch.js'
import { decodeBatches } from '../../../src/record/index.js'
import { offsetName } from '../../../src/storage/names.js'
import { ManualClock, TOPIC_ID, append } from '../support.js'
import { assertSound, compact, endTransaction, latest, put, seen, startCompacting, type Compacting, type Pair } from './support.js'

async function batches({ log }: Compacting) {
  const all = []
  for (let next = log.logStartOffset; ;) {
    const bytes = await log.readBytes(next, 1 << 20)
    if (bytes.length === 0) return all
    for (const one of decodeBatches(bytes)) {
      all.push(one)
      next = one.lastOffset + 1
    }
  }
}

for (const codec of [0, 1, 2, 3, 4]) {
  test(`the newest record of each key stays where it was: codec ${codec}`, async (t) => {
    const one = await startCompacting(t)
    for (let round = 0; round < 40; round++) {
      one.clock.advance(10)
      const pairs = Array.from({ length: 5 }, (_, index): Pair => [`k${(round * 3 + index) % 20}`, `r${round}-${index}`.padEnd(40, 'x')])
      await put(one, pairs, {}, codec)
    }
    const before = await seen(one.log)
    const size = one.log.sizeBytes
    const { endOffset } = one.log
    await compact(one)
    const after = await seen(one.log)
    t.deepEqual(latest(after), latest(before))
    t.deepEqual(
      after,
      before.filter(({ offset }) => after.some((kept) => kept.offset === offset))
    )
    // Only the closed segments were compacted: each key is there once.
    t.is(after.length, 20)
    t.true(one.log.sizeBytes < size / 3)
    t.is(one.log.endOffset, endOffset)
    t.deepEqual(new Set((await batches(one)).map(({ compression }) => compression)), new Set([codec]))
    await assertSound(t, one.engine)
    await compact(one)
    t.deepEqual(await seen(one.log), after, 'a second time changes nothing')
    await one.engine.drop()
    const again = await startCompacting(t, { dir: one.engine.dir })
    t.deepEqual(await seen(again.log), after)
    t.is(again.log.endOffset, endOffset)
    await assertSound(t, again.engine)
  })
}

test('a tombstone stays until delete.retention.ms after the compaction that saw it first', async (t) => {
  const one = await startCompacting(t)
  await put(one, [
    ['a', '1'],
    ['b', '1']
  ])
  await put(one, [['a', null]])
  await put(one, [['c', '1']])
  await compact(one)
  t.deepEqual(
    (await seen(one.log)).map(({ key, value }) => [key, value]),
    [
      ['b', '1'],
      ['a', null],
      ['c', '1']
    ]
  )
  one.clock.advance(999)
  await put(one, [['d', '1']])
  await compact(one)
  t.true((await seen(one.log)).some(({ key }) => key === 'a'))
  one.clock.advance(1)
  await put(one, [['e', '1']])
  await compact(one)
  t.false((await seen(one.log)).some(({ key }) => key === 'a'))
  await assertSound(t, one.engine)
})

test('records of aborted transactions go, those of open ones are not touched', async (t) => {
  const one = await startCompacting(t)
  const transactional = (producerId: number, baseSequence: number) => ({ producerId, producerEpoch: 0, baseSequence, transactional: true })
  await put(
    one,
    [
      ['a', 'committed'],
      ['b', 'old']
    ],
    transactional(1, 0)
  )
  await endTransaction(one, 1, true)
  await put(
    one,
    [
      ['a', 'aborted'],
      ['c', 'aborted']
    ],
    transactional(2, 0)
  )
  await put(one, [['b', 'new']])
  await endTransaction(one, 2, false)
  one.log.roll()
  await put(one, [['a', 'open']], transactional(1, 2))
  one.log.roll()
  await put(one, [['a', 'later']])
  await compact(one)
  const records = (await seen(one.log)).filter(({ key }) => /^[abc]$/.test(key!))
  t.deepEqual(
    records.map(({ key, value }) => [key, value]),
    [
      ['a', 'committed'],
      ['b', 'new'],
      ['a', 'open'],
      ['a', 'later']
    ]
  )
  // The markers are there as long as somebody may have seen the records; then they go, too.
  t.is((await batches(one)).filter(({ control }) => control).length, 2)
  await endTransaction(one, 1, true)
  await compact(one)
  one.clock.advance(1000)
  await put(one, [['z', '1']])
  await compact(one)
  one.clock.advance(1000)
  await put(one, [['z', '2']])
  await compact(one)
  t.deepEqual(
    latest((await seen(one.log)).filter(({ key }) => /^[abcz]$/.test(key!))),
    new Map([
      ['a', 'later'],
      ['b', 'new'],
      ['z', '2']
    ])
  )
  t.deepEqual(
    (await batches(one)).filter(({ control }) => control).map(({ producerId }) => producerId),
    [2, 1],
    'the last batches of known producers stay, empty, and what ended their transactions'
  )
  await assertSound(t, one.engine)
})

test('an idempotent producer goes on where it was, after compaction and a crash', async (t) => {
  const one = await startCompacting(t)
  const from = (baseSequence: number) => ({ producerId: 9, producerEpoch: 3, baseSequence })
  await put(
    one,
    [
      ['a', '1'],
      ['b', '1']
    ],
    from(0)
  )
  const last = await put(one, [['a', '2']], from(2))
  await put(one, [
    ['a', '3'],
    ['b', '3']
  ])
  await compact(one)
  t.deepEqual(
    (await batches(one)).map(({ baseOffset, recordCount, producerId }) => [baseOffset, recordCount, producerId]),
    [
      [2, 0, 9],
      [3, 2, -1]
    ]
  )
  await one.engine.drop()
  for (const name of await readdir(path.join(one.engine.dir, 't-0'))) {
    if (name.endsWith('.snapshot')) await writeFile(path.join(one.engine.dir, 't-0', name), 'broken')
  }
  const again = await startCompacting(t, { dir: one.engine.dir, clock: one.clock })
  t.is((await put(again, [['a', '2']], from(2))).baseOffset, last.baseOffset, 'a retry is known')
  t.is((await put(again, [['a', '5']], from(5))).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  t.is((await put(again, [['a', '4']], from(3))).errorCode, ErrorCode.NONE)
})

test('the end of the log is known when the last records are compacted away', async (t) => {
  const one = await startCompacting(t)
  await put(one, [['a', '1']])
  await put(one, [
    [null, 'x'],
    [null, 'y']
  ])
  const { endOffset } = one.log
  await compact(one)
  t.is(endOffset, 3)
  t.deepEqual((await seen(one.log)).length, 1)
  await one.engine.drop()
  const again = await startCompacting(t, { dir: one.engine.dir })
  t.is(again.log.endOffset, 3)
  t.is((await put(again, [['b', '1']])).baseOffset, 3)
})

test('young records are left', async (t) => {
  const one = await startCompacting(t, { topic: { 'min.compaction.lag.ms': '1000' } })
  await put(one, [['a', '1']])
  one.log.roll()
  one.clock.advance(500)
  await put(one, [['a', '2']])
  await compact(one)
  one.clock.advance(600)
  await compact(one)
  t.is((await seen(one.log)).length, 2, 'only the first is old enough')
  one.clock.advance(400)
  await compact(one)
  t.is((await seen(one.log)).length, 1)
})

test('what has waited for max.compaction.lag.ms is compacted whatever the ratio, and takes nothing more', async (t) => {
  const one = await startCompacting(t, { topic: { 'min.cleanable.dirty.ratio': '0.9', 'max.compaction.lag.ms': '5000' } })
  for (let key = 0; key < 5; key++) await put(one, [[`k${key}`, '1'.repeat(100)]])
  await compact(one)
  await put(one, [['k0', '2']])
  await compact(one)
  t.is((await seen(one.log)).length, 6)
  one.clock.advance(5001)
  await compact(one)
  t.is((await seen(one.log)).length, 5)
  await put(one, [['b', '1']])
  const { segmentCount } = one.log
  one.clock.advance(5001)
  await put(one, [['b', '2']])
  t.is(one.log.segmentCount, segmentCount + 1)
})

test('compact,delete: retention takes what is old', async (t) => {
  const one = await startCompacting(t, { topic: { 'cleanup.policy': 'compact,delete', 'retention.ms': '10000' } })
  await put(one, [['a', '1']])
  one.log.roll()
  one.clock.advance(9000)
  await put(one, [['b', '1']])
  await compact(one)
  one.clock.advance(2000)
  await put(one, [['c', '1']])
  one.log.roll()
  await one.log.whenIdle()
  one.clock.advance(9000)
  await one.log.applyRetention()
  t.deepEqual(
    (await seen(one.log)).map(({ key }) => key),
    ['c']
  )
})

test('compact,delete: retention takes what is old behind a segment that compaction has emptied', async (t) => {
  const one = await startCompacting(t, { topic: { 'cleanup.policy': 'compact,delete', 'retention.ms': '10000' } })
  for (const value of ['1', '2']) {
    await put(one, [['a', value.repeat(800)]])
    one.log.roll()
  }
  await compact(one)
  const [emptied, kept] = one.log.segmentFiles()
  t.is(emptied!.size, 0)
  t.true(kept!.size > 0)
  // By this time it goes, in the absence of records.
  await utimes(emptied!.file, one.clock.now() / 1000, one.clock.now() / 1000)
  one.clock.advance(9000)
  t.is(await one.log.applyRetention(), 0)
  one.clock.advance(2000)
  t.is(await one.log.applyRetention(), 2)
  t.is(one.log.logStartOffset, 2)
})

test('the cleaner works by itself, and remembers how far it got', async (t) => {
  const one = await startCompacting(t, { settings: { 'log.cleaner.backoff.ms': '500' } })
  const checkpoint = path.join(one.engine.dir, 'cleaner-offset-checkpoint')
  for (let round = 0; round < 3; round++) await put(one, [['a', `${round}`]])
  one.log.roll()
  one.clock.advance(500)
  let text = ''
  while (!one.engine.lines.some((line) => line.includes('compacted'))) {
    await new Promise((resolve) => setImmediate(resolve))
    text = await readFile(checkpoint, 'utf8').catch(() => '')
  }
  t.is(text, '0\n1\nt 0 3\n')
  t.is((await seen(one.log)).length, 1)
  t.true(one.engine.lines.some((line) => line.startsWith('t-0 compacted up to 3 (dirty from 0)')))
  await one.engine.stop()
  const again = await startCompacting(t, { dir: one.engine.dir, clock: one.clock })
  t.is(again.engine.manager.dirs[0]!.cleanerOffsets.get('t-0'), 3)
  await again.engine.manager.delete('t', 0)
  t.is(await readFile(checkpoint, 'utf8'), '0\n0\n')
})

test('a gap in front of the active segment is compacted once', async (t) => {
  const one = await startCompacting(t)
  for (const value of ['1', '2']) await put(one, [['a', value]])
  one.log.roll()
  await put(one, [['a', '3']])
  await one.engine.stop()
  // As a broker leaves it whose cleaner keeps no empty batch for the end of the log.
  const file = path.join(one.log.folder, `${offsetName(2)}.log`)
  const bytes = await readFile(file)
  for (const name of await readdir(one.log.folder)) if (name.startsWith(offsetName(2))) await rm(path.join(one.log.folder, name))
  writeInt64(bytes, 10, 0)
  await writeFile(path.join(one.log.folder, `${offsetName(10)}.log`), bytes)
  const { engine, log } = await startCompacting(t, { dir: one.engine.dir })
  t.is(log.endOffset, 11)
  t.true(await engine.manager.cleaner.cleanFilthiest())
  t.is(engine.manager.dirs[0]!.cleanerOffsets.get('t-0'), 10)
  t.false(await engine.manager.cleaner.cleanFilthiest())
})

test('a checkpoint that the log does not bear out is told and made anew', async (t) => {
  const one = await startCompacting(t)
  await put(one, [
    ['a', '1'],
    ['a', '2']
  ])
  await one.engine.stop()
  await writeFile(path.join(one.engine.dir, 'cleaner-offset-checkpoint'), '0\n1\nt 0 77\n')
  const again = await startCompacting(t, { dir: one.engine.dir })
  await compact(again)
  t.is((await seen(again.log)).length, 1)
  t.true(again.engine.lines.some((line) => line.includes('77') && line.includes('reset to 0')))
})

test('a log with a broken batch is named and left as it is, the others go on', async (t) => {
  const one = await startCompacting(t)
  const other = await one.engine.manager.create('u', 0, TOPIC_ID, one.engine.config())
  for (let round = 0; round < 3; round++) await put(one, [['a', `${round}`.padEnd(100, '.')]])
  for (let round = 0; round < 2; round++)
    await append(one.engine, other, [{ key: Buffer.from('a'), value: Buffer.from('1') }], { timestamp: 1 })
  one.log.roll()
  other.roll()
  await one.log.flush()
  const file = path.join(one.engine.dir, 't-0', '00000000000000000000.log')
  const bytes = await readFile(file)
  bytes[bytes.length - 20]! ^= 1
  await writeFile(file, bytes)
  while (await one.engine.manager.cleaner.cleanFilthiest());
  t.true(one.engine.manager.cleaner.isUncleanable(one.log))
  t.true(one.engine.lines.some((line) => line.startsWith('t-0 can not be compacted and stays as it is')))
  t.deepEqual(await readFile(file), bytes)
  t.deepEqual(
    (await readdir(path.dirname(file))).filter((name) => name.endsWith('.cleaned')),
    []
  )
  while (await one.engine.manager.cleaner.cleanFilthiest());
  t.true((await stat(path.join(one.engine.dir, 'u-0', '00000000000000000000.log'))).size < 100)
})

test('closing and deleting a log end its compaction', async (t) => {
  const one = await startCompacting(t, { settings: { 'log.cleaner.io.max.bytes.per.second': '1' } })
  for (let round = 0; round < 30; round++) await put(one, [['a', `${round}`.padEnd(200, '.')]])
  const cleaning = compact(one)
  while (!one.log.cleaning.running) await new Promise((resolve) => setImmediate(resolve))
  await one.engine.manager.delete('t', 0)
  await cleaning
  t.deepEqual(
    (await readdir(one.engine.dir)).filter((name) => name === 't-0'),
    []
  )
  t.false(one.engine.lines.some((line) => line.includes('compacted')))
})

test('readers see every key while segments are replaced under them', async (t) => {
  const one = await startCompacting(t, { clock: new ManualClock(), topic: { 'file.delete.delay.ms': '0' } })
  const readers = { stop: false }
  let reads = 0
  const reader = (async () => {
    while (!readers.stop) {
      const { endOffset } = one.log
      const keys = new Set((await seen(one.log)).map(({ key }) => key))
      if (endOffset >= 10) for (let key = 0; key < 10; key++) t.true(keys.has(`k${key}`), `k${key} of ${endOffset}`)
      const found = await one.log.read(Math.floor(endOffset / 2), 1000, endOffset, true)
      t.is(found.errorCode, ErrorCode.NONE)
      reads++
      one.clock.advance(1)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  for (let round = 0; round < 30; round++) {
    for (let key = 0; key < 10; key++) await put(one, [[`k${key}`, `${round}`.padEnd(30, '.')]])
    if (round % 3 === 0) await compact(one)
  }
  readers.stop = true
  await reader
  t.true(reads > 3)
  await assertSound(t, one.engine)
})
