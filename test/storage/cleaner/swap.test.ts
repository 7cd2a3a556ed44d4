/** A crash after any step of putting a cleaned segment in its place. */
import fsp, { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { writeInt64 } from '../../../src/record/batch.js'
import { buildBatch, decodeBatches } from '../../../src/record/index.js'
import { recoverSwaps, runSwapSteps, swapSteps } from '../../../src/storage/cleaner/swap.js'
import { offsetName } from '../../../src/storage/names.js'
import { temporaryFolder } from '../support.js'
import { assertSound, compact, latest, put, seen, startCompacting, type Seen } from './support.js'

const CLEANED = ['.log', '.index', '.timeindex']

interface Prepared {
  /** A data folder as it was before the compaction. */
  readonly before: string
  /** The folder of the log after it. */
  readonly after: string
  readonly oldBases: readonly number[]
  readonly records: readonly Seen[]
  readonly endOffset: number
}

async function prepare(t: ExecutionContext): Promise<Prepared> {
  const one = await startCompacting(t, { topic: { 'internal.segment.bytes': '100000' } })
  const oldBases: number[] = []
  for (let round = 0; round < 4; round++) {
    oldBases.push(one.log.nextOffset)
    for (let batch = 0; batch < 10; batch++)
      await put(one, [
        [`k${batch % 7}`, `${round}-${batch}`],
        [`once-${round}-${batch}`, 'x'.repeat(50)]
      ])
    one.log.roll()
  }
  await put(one, [['k0', 'last']])
  await one.engine.drop()
  const before = path.join(await temporaryFolder(t), 'before')
  await cp(one.engine.dir, before, { recursive: true })
  const again = await startCompacting(t, { dir: one.engine.dir, clock: one.clock, topic: { 'internal.segment.bytes': '100000' } })
  const records = await seen(again.log)
  const { endOffset } = again.log
  while (await again.engine.manager.cleaner.cleanFilthiest());
  t.is((await readdir(path.join(one.engine.dir, 't-0'))).filter((name) => name.endsWith('.log')).length, 2)
  await again.engine.drop()
  return { before, after: path.join(one.engine.dir, 't-0'), oldBases, records, endOffset }
}

async function leftOver(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /\.(cleaned|swap|deleted)$/.test(name))
}

test('every step can be the last one', async (t) => {
  const { before, after, oldBases, records, endOffset } = await prepare(t)
  const steps = swapSteps(0, oldBases)
  for (let count = 0; count <= steps.length; count++) {
    const dir = path.join(await temporaryFolder(t), 'data')
    await cp(before, dir, { recursive: true })
    const folder = path.join(dir, 't-0')
    for (const suffix of CLEANED) await cp(path.join(after, offsetName(0) + suffix), path.join(folder, `${offsetName(0)}${suffix}.cleaned`))
    await runSwapSteps(folder, steps.slice(0, count))
    const again = await startCompacting(t, { dir, topic: { 'internal.segment.bytes': '100000' } })
    t.is(again.log.endOffset, endOffset)
    const found = await seen(again.log)
    t.deepEqual(latest(found), latest(records), `after ${count} steps`)
    t.deepEqual(
      found,
      records.filter(({ offset }) => found.some((one) => one.offset === offset))
    )
    t.deepEqual(await leftOver(folder), [])
    await assertSound(t, again.engine)
    t.is((await put(again, [['new', '1']])).baseOffset, endOffset)
    await compact(again)
    t.deepEqual(latest(await seen(again.log)), latest([...records, { offset: endOffset, key: 'new', value: '1', timestamp: 0 }]))
    await again.engine.drop()
  }
})

test.serial('where there is no room for a longer name the log stays as it was, or the old segments go without one', async (t) => {
  const { before, after, oldBases, records, endOffset } = await prepare(t)
  const steps = swapSteps(0, oldBases)
  const { rename } = fsp
  t.teardown(() => {
    fsp.rename = rename
    syncBuiltinESMExports()
  })
  for (const suffix of ['.index.swap', '.deleted']) {
    const dir = path.join(await temporaryFolder(t), 'data')
    await cp(before, dir, { recursive: true })
    const folder = path.join(dir, 't-0')
    for (const each of CLEANED) await cp(path.join(after, offsetName(0) + each), path.join(folder, `${offsetName(0)}${each}.cleaned`))
    fsp.rename = async (from, to) => {
      if (String(to).endsWith(suffix)) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
      return rename(from, to)
    }
    syncBuiltinESMExports()
    const noRoom = await runSwapSteps(folder, steps)
    fsp.rename = rename
    syncBuiltinESMExports()
    t.is(noRoom?.error.code, suffix === '.deleted' ? undefined : 'ENOSPC')
    t.deepEqual(
      (await leftOver(folder)).filter((name) => !name.endsWith('.cleaned')),
      []
    )
    const again = await startCompacting(t, { dir, topic: { 'internal.segment.bytes': '100000' } })
    t.is(again.log.endOffset, endOffset)
    t.is((await seen(again.log)).length === records.length, noRoom !== undefined)
    t.deepEqual(latest(await seen(again.log)), latest(records))
    await assertSound(t, again.engine)
    await again.engine.stop()
  }
})

test('a recovery that is interrupted is taken up again', async (t) => {
  const { before, after, oldBases, records } = await prepare(t)
  const steps = swapSteps(0, oldBases)
  const dir = path.join(await temporaryFolder(t), 'data')
  await cp(before, dir, { recursive: true })
  const folder = path.join(dir, 't-0')
  for (const suffix of CLEANED) await cp(path.join(after, offsetName(0) + suffix), path.join(folder, `${offsetName(0)}${suffix}.cleaned`))
  // All is renamed to .swap; a start has begun to remove the old segments, and renamed the log itself.
  await runSwapSteps(folder, steps.slice(0, 7))
  await rm(path.join(folder, `${offsetName(oldBases[1]!)}.log`))
  const told: string[] = []
  await recoverSwaps(folder, (message) => told.push(message))
  t.is(told.length, 1)
  await cp(path.join(folder, `${offsetName(0)}.index`), path.join(folder, `${offsetName(0)}.index.swap`))
  await rm(path.join(folder, `${offsetName(0)}.index`))
  const again = await startCompacting(t, { dir, topic: { 'internal.segment.bytes': '100000' } })
  t.deepEqual(latest(await seen(again.log)), latest(records))
  t.deepEqual(await leftOver(folder), [])
  await assertSound(t, again.engine)
})

test('segments before and behind what was compacted stay as they are', async (t) => {
  const folder = await temporaryFolder(t)
  const log = (base: number) => path.join(folder, `${offsetName(base)}.log`)
  const batchAt = (base: number): Buffer => {
    const bytes = buildBatch([{ value: Buffer.from(`${base}`) }], { timestamp: 1 })
    writeInt64(bytes, base, 0)
    return bytes
  }
  for (const base of [0, 40, 50, 60, 100]) await writeFile(log(base), batchAt(base))
  const compacted = Buffer.concat([batchAt(50), batchAt(60)])
  await writeFile(`${log(50)}.swap`, compacted)
  await recoverSwaps(folder, () => undefined)
  t.deepEqual(
    (await readdir(folder)).toSorted(),
    [0, 40, 50, 100].map((base) => path.basename(log(base)))
  )
  t.deepEqual(await readFile(log(50)), compacted)
})

test('a .swap file beside an earlier .cleaned one belongs to a step that was not finished: the old segments count', async (t) => {
  const folder = await temporaryFolder(t)
  const name = (base: number, suffix: string) => path.join(folder, offsetName(base) + suffix)
  for (const file of [name(0, '.log'), name(50, '.log'), name(0, '.log.cleaned'), name(50, '.log.swap'), path.join(folder, 'notes.swap')])
    await writeFile(file, 'x')
  await recoverSwaps(folder, () => t.fail())
  t.deepEqual((await readdir(folder)).toSorted(), [`${offsetName(0)}.log`, `${offsetName(50)}.log`, 'notes.swap'])
})

test('a .swap file that is no whole segment takes no place, and is kept', async (t) => {
  const { before, records, endOffset } = await prepare(t)
  const folder = path.join(before, 't-0')
  await writeFile(path.join(folder, `${offsetName(0)}.log.swap`), Buffer.alloc(200, 'what may this be?'))
  await writeFile(path.join(folder, `${offsetName(0)}.index.swap`), '')
  const { log, engine } = await startCompacting(t, { dir: before, topic: { 'internal.segment.bytes': '100000' } })
  t.deepEqual([await seen(log), log.endOffset], [records, endOffset])
  t.regex(engine.lines.join('\n'), /log\.swap is no whole segment: it takes no other's place, and is kept as 0+\.log\.swap\.corrupt/)
  t.deepEqual(await leftOver(folder), [])
})

test('nor does one that has lost its end, while there is what it was made of', async (t) => {
  const { before, after, records, endOffset } = await prepare(t)
  const folder = path.join(before, 't-0')
  const whole = await readFile(path.join(after, `${offsetName(0)}.log`))
  await writeFile(path.join(folder, `${offsetName(0)}.log.swap`), whole.subarray(0, whole.length - 5))
  const { log, engine } = await startCompacting(t, { dir: before, topic: { 'internal.segment.bytes': '100000' } })
  t.deepEqual([await seen(log), log.endOffset], [records, endOffset])
  t.regex(engine.lines.join('\n'), /log\.swap is no whole segment: it takes no other's place, and is kept as 0+\.log\.swap\.corrupt/)
})

test('of a .swap file nothing is taken from a length on that no batch has, and none of its indexes', async (t) => {
  const sound = buildBatch([{ value: Buffer.from('1') }], { timestamp: 1 })
  for (const length of [0, -12, -100, 48]) {
    const folder = await temporaryFolder(t)
    const behind = Buffer.alloc(100)
    behind.writeInt32BE(length, 8)
    await writeFile(path.join(folder, `${offsetName(0)}.log.swap`), Buffer.concat([sound, behind]))
    await writeFile(path.join(folder, `${offsetName(0)}.index.swap`), Buffer.alloc(8, 1))
    await recoverSwaps(folder, () => undefined)
    t.deepEqual(await readFile(path.join(folder, `${offsetName(0)}.log`)), sound)
    t.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('index')),
      []
    )
  }
})

test('of a .swap file that is no whole segment, but all there is of what it was to replace, the sound beginning is served', async (t) => {
  const { before, after, oldBases } = await prepare(t)
  const folder = path.join(before, 't-0')
  const whole = await readFile(path.join(after, `${offsetName(0)}.log`))
  const torn = whole.subarray(0, whole.length - 5)
  const sound = [...decodeBatches(whole)].slice(0, -1).map((one) => one.lastOffset)
  for (const base of oldBases) for (const suffix of CLEANED) await rm(path.join(folder, offsetName(base) + suffix))
  await writeFile(path.join(folder, `${offsetName(0)}.log.swap`), torn)
  await writeFile(path.join(folder, `${offsetName(0)}.index.swap`), '')
  const { log, engine } = await startCompacting(t, { dir: before, topic: { 'internal.segment.bytes': '100000' } })
  const offsets = (await seen(log)).map(({ offset }) => offset)
  t.true(sound.length > 20)
  for (const offset of sound) t.true(offsets.includes(offset), `${offset}`)
  t.is(offsets.at(-1), log.endOffset - 1)
  t.regex(engine.lines.join('\n'), /is cut off at offset \d+; what was cut off is kept as 0+\.log\.swap\.\d+\.corrupt/)
  t.deepEqual(await leftOver(folder), [])
  await assertSound(t, engine)
})
