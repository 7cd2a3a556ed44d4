/** Promises of the engine that hang on one sync, one order or one check each: with it taken out, one of these fails. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { JournalOp, type JournalEntry } from '../../src/cli/crash-journal.js'
import { readInt64 } from '../../src/record/batch.js'
import { decodeBatches } from '../../src/record/index.js'
import { CLEANER_OFFSET_FILE, LOG_START_FILE, offsetName, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { TRANSACTION_ENTRY_BYTES } from '../../src/storage/transaction-index.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { COMPACT, seen } from '../storage/cleaner/support.js'
import { ManualClock, readAll } from '../storage/support.js'
import { serialWithFaults } from '../support/faults.js'
import { leaveDamagedSwap } from './compaction-scenes.js'
import { DONE, isSyncedBetween, namesIn, play } from './directed.js'
import { checkpointOf, FOLDER, leaveEmptied, leaveKilled, leaveTornIndex, TOPIC } from './scenes.js'
import { logOf, open, renamedLogs, sameNames, told } from './views.js'

serialWithFaults('an abort in a segment that was flushed before is known where the recovery point says so', async (t) => {
  const after = await play(t, 'abort in a segment that was flushed')
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 3)
  const { log } = await open(after, cut)
  t.is((await log.abortedTransactions(0, 3)).length, 1)
})

serialWithFaults('the recovery point waits for leader epochs that could not be written', async (t) => {
  const after = await play(t, 'epochs that have no room')
  const { log } = await open(after, await after.cutAt(DONE))
  t.is(log.endOffset, 2)
  t.deepEqual([log.epochOf(0), log.epochOf(1)], [1, 5])
})

serialWithFaults('what a seal writes while a flush is under way is flushed by another one', async (t) => {
  const after = await play(t, 'seal beside a flush')
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 15)
  const index = path.join('data', FOLDER, `${offsetName(0)}.timeindex`)
  const sealed = after.entries.findLastIndex(({ op, path: name }) => op === JournalOp.write && name === index)
  const held = after.entries.findIndex(({ op, path: name }) => op === JournalOp.syncBegin && name === index)
  t.true(held >= 0 && held < sealed)
  t.true(isSyncedBetween(after.entries, index, sealed, after.at(DONE)))
})

serialWithFaults('a truncation is on the disk when it is answered, and leaves no gap on the way', async (t) => {
  const after = await play(t, 'truncation within an epoch')
  const filled = after.at('filled')
  const gone = renamedLogs(after, filled, '.deleted')
  t.true(gone.length > 3)
  t.deepEqual(
    gone.map(({ base }) => base),
    gone.map(({ base }) => base).toSorted((a, b) => b - a),
    'the last segment goes first'
  )
  const isCut = after.entries.findIndex(({ op }, at) => op === JournalOp.truncate && at > gone.at(-1)!.at)
  t.true(isSyncedBetween(after.entries, path.join('data', FOLDER), gone.at(-1)!.at, isCut), 'what lies behind is gone before the cut')
  const cut = await after.cutAt(DONE)
  t.deepEqual(await verifyFolder(path.join(cut, FOLDER)), [], 'no index tells of more')
  const names = await sameNames(t, after, cut)
  t.true(
    names.every((name) => !name.endsWith('.snapshot') || Number.parseInt(name, 10) <= 22),
    names.join(' ')
  )
  const { log } = await open(after, cut)
  t.is(log.endOffset, 22)
  t.is((await log.abortedTransactions(0, 22)).length, 1)
  t.is(log.producer(100)?.batches.at(-1)?.lastSequence, 19)
})

serialWithFaults('the index of aborts that a truncation takes away stays away', async (t) => {
  const after = await play(t, 'truncation to the start of a segment with an abort')
  await sameNames(t, after, await after.cutAt(DONE))
})

serialWithFaults('the index of aborts that a truncation has cut is so on the disk', async (t) => {
  const after = await play(t, 'truncation between two aborts')
  const cut = await after.cutAt(DONE)
  t.is((await readFile(path.join(cut, FOLDER, `${offsetName(0)}.txnindex`))).length, TRANSACTION_ENTRY_BYTES)
})

serialWithFaults('an epoch whose batches a truncation takes away goes with them, also from the file', async (t) => {
  const after = await play(t, 'truncation to the start of an epoch')
  t.is(told(after, 'epoch'), 0)
  for (const dir of [await after.cutAt(DONE), after.dir]) t.is((await open(after, dir)).log.latestEpoch, 0)
})

serialWithFaults('a compaction that is over has its names on the disk, and went about it in order', async (t) => {
  const after = await play(t, 'compaction')
  t.true(renamedLogs(after, 0, '.swap').length > 0)
  const cut = await after.cutAt(DONE)
  const names = await sameNames(t, after, cut)
  t.false(names.some((name) => /\.(swap|cleaned)$/.test(name)))
  for (const name of names.filter((each) => each.endsWith('.timeindex'))) {
    const bytes = await readFile(path.join(cut, FOLDER, name.replace('.timeindex', '.log')))
    if (bytes.length === 0) continue
    const largest = Math.max(...Array.from(decodeBatches(bytes), ({ maxTimestamp }) => maxTimestamp))
    const index = await readFile(path.join(cut, FOLDER, name))
    t.is(readInt64(index, index.length - 12), largest, `${name} ends in the largest timestamp`)
  }
  const { log } = await open(after, cut, COMPACT)
  t.is(log.endOffset, 122)
  t.is(new Set((await seen(log)).map(({ key }) => key)).size, 11)
})

serialWithFaults('the index of aborts of a compacted segment is on the disk before its name', async (t) => {
  const after = await play(t, 'compaction of an abort')
  t.true(after.entries.some(({ op, to }) => op === JournalOp.rename && to.endsWith('.txnindex.swap')))
})

serialWithFaults('a compaction ends where an index of aborts has no room, and is done when there is', async (t) => {
  const after = await play(t, 'compaction of an abort whose index has no room')
  t.is(told(after, 'compacted'), 0)
  t.true(told(after, 'left') < 40)
})

serialWithFaults('what compaction relies on is on the disk before anything goes: also what a killed process has left', async (t) => {
  const after = await play(t, 'compaction of what a killed process left', leaveKilled)
  const begun = after.at('opened')
  const [first] = renamedLogs(after, begun, '.swap')
  const old = (await namesIn(path.join(after.dir, FOLDER))).filter((name) => name.endsWith('.log')).slice(1, -1)
  t.true(old.length > 0)
  const bases = new Set(renamedLogs(after, begun, '.deleted').map(({ base }) => base))
  t.true(bases.size > 3)
  for (const base of bases) t.true(isSyncedBetween(after.entries, logOf(base), begun, first!.at), `the segment at ${base}`)
})

serialWithFaults('a log whose last records were compacted away ends where it did', async (t) => {
  const after = await play(t, 'last records that go')
  const cut = await after.cutAt(DONE)
  const { log } = await open(after, cut, COMPACT)
  t.is(log.endOffset, told(after, 'end'))
})

serialWithFaults('a log of which retention has left nothing goes on at its offset, also where the log start had no room', async (t) => {
  const after = await play(t, 'retention of all')
  const [first] = renamedLogs(after, after.at('filled'), '.deleted')
  const made = after.entries.findLastIndex(({ op, path: name }) => op === JournalOp.create && name === logOf(40))
  t.true(made >= 0 && made < first!.at)
  t.true(isSyncedBetween(after.entries, path.join('data', FOLDER), made, first!.at), 'the name that tells where the log is')
  const { log } = await open(after, after.dir)
  t.deepEqual([log.logStartOffset, log.endOffset], [40, 40])
})

serialWithFaults('what retention has taken away stays away', async (t) => {
  const after = await play(t, 'retention')
  const gone = renamedLogs(after, 0, '.deleted').map(({ base }) => base)
  t.deepEqual(
    gone,
    gone.toSorted((a, b) => a - b),
    'the first segment goes first'
  )
  const cut = await after.cutAt(DONE)
  const start = told(after, 'start')
  t.is(await checkpointOf(cut, LOG_START_FILE), start)
  const { log } = await open(after, cut)
  t.is(log.logStartOffset, start)
})

serialWithFaults('a directory that is in use is not taken for closed in an orderly way', async (t) => {
  const after = await play(t, 'a start behind an orderly stop')
  const { engine, log } = await open(after, await after.cutAt(DONE))
  t.false(engine.manager.cleanStart)
  t.is(log.endOffset, 13)
})

serialWithFaults('indexes are not made anew below a recovery point that could not be lowered: the log waits for room', async (t) => {
  const scene = 'a start that has no room for the word that indexes are made anew'
  const after = await play(t, scene, leaveTornIndex)
  const isIndex = ({ op, path: name }: JournalEntry) =>
    op !== JournalOp.syncBegin && op !== JournalOp.syncEnd && /\.(time)?index$/.test(name)
  t.false(after.entries.slice(0, after.at('refused ENOSPC')).some(isIndex))
  t.true(after.entries.some(isIndex))
  t.is(told(after, 'end'), 40)
})

serialWithFaults('a compaction that comes beside retention leaves it the segments that it has chosen', async (t) => {
  const after = await play(t, 'compaction that comes beside retention')
  t.is(told(after, 'deleted'), 1)
  t.is(told(after, 'keys'), 9)
})

serialWithFaults('of a compacted segment that is damaged, what is cut off stays so', async (t) => {
  const after = await play(t, 'a start on a compacted segment that is damaged', leaveDamagedSwap)
  const log = path.join(FOLDER, `${offsetName(0)}.log`)
  const served = await readFile(path.join(after.dir, log))
  t.is(
    served.length,
    Array.from(decodeBatches(served)).reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
  )
  t.deepEqual(await readFile(path.join(await after.cutAt(DONE), log)), served)
})

serialWithFaults('compacted segments wait for room for their last names, and the log goes on meanwhile', async (t) => {
  const after = await play(t, 'last names that have no room')
  t.is(told(after, 'directories'), 1)
  t.is(told(after, 'records'), 121)
  t.true(told(after, 'left') < 40)
  const { log } = await open(after, await after.cutAt(DONE), COMPACT)
  t.is(new Set((await seen(log)).map(({ key }) => key)).size, 9)
})

serialWithFaults('what was acknowledged behind a flush is on the disk that a partition has moved to', async (t) => {
  const after = await play(t, 'move of a log that is written to')
  const cut = await after.cutAt(DONE)
  const other = path.join(path.dirname(cut), 'other')
  t.deepEqual(await namesIn(path.join(cut, FOLDER)), [])
  t.is(await checkpointOf(other, RECOVERY_POINT_FILE), 40, 'it is not read again as a whole')
  const engine = await after.open(cut, { dirs: [cut, other], topic: TOPIC })
  const log = (await engine.manager.whenReady('t', 0))!
  t.is(log.folder, path.join(other, FOLDER))
  t.is((await readAll(log)).length, 40)
  t.deepEqual([log.epochOf(31), log.epochOf(32)], [0, 1])
  t.is(log.producer(101)?.batches.at(-1)?.lastSequence, 7)
})

serialWithFaults('an empty log that has moved begins where it did', async (t) => {
  const after = await play(t, 'move of an empty log')
  const cut = await after.cutAt(DONE)
  const engine = await after.open(cut, { dirs: [cut, path.join(path.dirname(cut), 'other')], topic: TOPIC })
  const log = (await engine.manager.whenReady('t', 0))!
  t.deepEqual([log.logStartOffset, log.endOffset], [50, 50])
})

serialWithFaults('a log without batches that has moved begins and ends where it did', async (t) => {
  const after = await play(t, 'move of a log without batches', leaveEmptied)
  const cut = await after.cutAt(DONE)
  const engine = await after.open(cut, { dirs: [cut, path.join(path.dirname(cut), 'other')], topic: TOPIC })
  const log = (await engine.manager.whenReady('t', 0))!
  t.deepEqual([log.logStartOffset, log.endOffset], [0, 20])
})

serialWithFaults('a producer is known after a move whose batches were deleted before it', async (t) => {
  const after = await play(t, 'move of a log whose first batches are deleted')
  const cut = await after.cutAt(DONE)
  const engine = await after.open(cut, { dirs: [cut, path.join(path.dirname(cut), 'other')], topic: TOPIC })
  const log = (await engine.manager.whenReady('t', 0))!
  t.deepEqual([log.logStartOffset, log.endOffset], [1, 9])
  t.is(log.producer(7)?.batches.at(-1)?.lastSequence, 0)
})

serialWithFaults('what is on its way to the files when a copy is about to take their place is in it', async (t) => {
  const after = await play(t, 'move beside a write on its way')
  t.is(told(after, 'acknowledged'), 8)
  const engine = await after.open(after.dir, { dirs: [after.dir, path.join(path.dirname(after.dir), 'other')], topic: TOPIC })
  t.is((await readAll((await engine.manager.whenReady('t', 0))!)).length, 9)
})

serialWithFaults('what is cut off a log while its copy is flushed is not in the copy', async (t) => {
  const after = await play(t, 'move of a log that is cut before its copy takes the place')
  const engine = await after.open(after.dir, { dirs: [after.dir, path.join(path.dirname(after.dir), 'other')], topic: TOPIC })
  const records = await readAll((await engine.manager.whenReady('t', 0))!)
  t.deepEqual(
    records.map(({ value }) => value!.toString().slice(0, 2)),
    Array.from({ length: 24 }, (_, offset) => (offset < 8 ? 'e0' : 'e1'))
  )
})

serialWithFaults('the name of a log directory is on the disk before anything in it counts, whoever made it', async (t) => {
  const after = await play(t, 'a start in a folder that somebody has just made')
  const { log } = await open(after, path.join(path.dirname(await after.cutAt(DONE)), 'other'))
  t.is((await readAll(log)).length, 1)
})

serialWithFaults('the folder of a partition is on the disk with its first record', async (t) => {
  const after = await play(t, 'creation')
  const { log } = await open(after, await after.cutAt(DONE))
  t.is((await readAll(log)).length, 1)
})

serialWithFaults('a deleted partition does not come back, nor do checkpoints name it', async (t) => {
  const after = await play(t, 'deletion')
  const cut = await after.cutAt(DONE)
  t.deepEqual(await namesIn(path.join(cut, FOLDER)), [])
  for (const name of [LOG_START_FILE, RECOVERY_POINT_FILE, CLEANER_OFFSET_FILE]) t.is(await checkpointOf(cut, name), undefined, name)
})

serialWithFaults('an orderly stop leaves all on the disk: nothing is read again, and nothing unknown', async (t) => {
  const after = await play(t, 'orderly stop')
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 24)
  t.deepEqual(await namesIn(path.join(cut, FOLDER)), await namesIn(path.join(after.dir, FOLDER)))
  const { engine, log } = await open(after, cut)
  t.true(engine.manager.cleanStart)
  t.deepEqual([log.logStartOffset, log.endOffset], [6, 24])
  t.is(log.producer(100)?.batches.at(-1)?.lastSequence, 19)
  t.is((await log.offsetOfMaxTimestamp())?.offset, 22)
  const index = (await namesIn(path.join(cut, FOLDER))).findLast((name) => name.endsWith('.timeindex'))!
  const bytes = await readFile(path.join(cut, FOLDER, index))
  t.is(readInt64(bytes, bytes.length - 12), new ManualClock().now() + 7, 'the time index ends in the largest timestamp')
  t.deepEqual(
    engine.lines.filter((line) => /recover|read again/.test(line)),
    []
  )
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(cut, FOLDER)), [])
})
