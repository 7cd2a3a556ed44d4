/** As directed.test.ts: of appends, flushes and what fails under them. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ALL_FILES, JournalOp } from '../../src/cli/crash-journal.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { readInt64 } from '../../src/record/batch.js'
import { offsetName, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { ManualClock, readAll } from '../storage/support.js'
import { serialWithFaults } from '../support/faults.js'
import { DONE, isSyncedBetween, play } from './directed.js'
import { checkpointOf, FOLDER } from './scenes.js'
import { leaveHalfCut } from './truncation-scenes.js'
import { leaveUnflushed, leaveUnsealed, MANY_LOGS } from './write-scenes.js'
import { logOf, open, told } from './views.js'

serialWithFaults('behind a sync that failed no other one is believed', async (t) => {
  const after = await play(t, 'sync after one that failed')
  t.true(after.at('first EIO') < after.at('second EIO'))
})

for (const scene of [
  'first acknowledgement behind a sync that fails',
  'acknowledgement behind a sync that fails',
  'acknowledgement behind a sync without room',
  'acknowledgement behind a write that fails'
]) {
  serialWithFaults(`none is given, and the directory goes offline: ${scene}`, async (t) => {
    const after = await play(t, scene)
    const refused = `refused ${ErrorCode.KAFKA_STORAGE_ERROR}\n`
    t.is(after.entries.filter(({ op, data }) => op === JournalOp.mark && data.toString() === refused).length, 2)
    t.is(told(after, 'directories'), 0)
  })
}

serialWithFaults('what was acknowledged behind its own sync is there after a power cut, in all segments', async (t) => {
  const after = await play(t, 'acknowledgements of several segments')
  t.true(told(after, 'segments') > 1)
  const { log } = await open(after, await after.cutAt(DONE))
  t.is((await readAll(log)).length, 80)
})

serialWithFaults('what was written beside a flush is acknowledged behind another one', async (t) => {
  const after = await play(t, 'an acknowledgement beside the flush of another')
  const { log } = await open(after, await after.cutAt(DONE))
  t.is((await readAll(log)).length, 2)
})

serialWithFaults('a flush that fails takes the directory offline', async (t) => {
  const after = await play(t, 'flush that fails')
  t.true(after.at('refused EIO') < after.at('directories 0'))
})

for (const scene of ['half a batch', 'half a batch that stays', 'half an index entry', 'half an index entry that stays']) {
  serialWithFaults(`what a full disk has taken is cut off again: ${scene}`, async (t) => {
    const after = await play(t, scene)
    t.is(told(after, 'refused'), ErrorCode.KAFKA_STORAGE_ERROR)
    t.deepEqual(await verifyFolder(path.join(after.dir, FOLDER)), [])
  })
}

serialWithFaults('behind a write that fails none is taken, and each can be sent again', async (t) => {
  const after = await play(t, 'a write that fails before others')
  const marks = after.entries.filter(({ op }) => op === JournalOp.mark).map(({ data }) => data.toString())
  t.is(marks.filter((mark) => mark === `refused ${ErrorCode.KAFKA_STORAGE_ERROR}\n`).length, 6)
  t.deepEqual(
    marks.filter((mark) => mark.startsWith('written')),
    [8, 9, 10].map((offset) => `written ${ErrorCode.NONE} ${offset}\n`)
  )
  const cut = await after.cutAt(DONE)
  const { log } = await open(after, cut)
  t.deepEqual(
    (await readAll(log, 8)).map(({ offset, value }) => [offset, value!.subarray(0, 2).toString()]),
    [
      [8, '0-'],
      [9, '1-'],
      [10, '2-']
    ]
  )
  t.is(log.producer(7)?.batches.at(-1)?.lastSequence, 2)
  t.deepEqual(
    [8, 9, 10].map((offset) => log.epochOf(offset)),
    [0, 1, 2]
  )
  t.deepEqual(await verifyFolder(path.join(cut, FOLDER)), [])
})

serialWithFaults('a write that fails takes no room in its segment', async (t) => {
  const after = await play(t, 'a first write that fails')
  t.is(told(after, 'refused'), ErrorCode.KAFKA_STORAGE_ERROR)
  t.is(told(after, 'segments'), 2)
  const { log } = await open(after, after.dir)
  t.is((await readAll(log)).length, 2)
})

serialWithFaults('no snapshot tells of a producer whose write failed beside the flush that took it', async (t) => {
  const after = await play(t, 'a write that fails beside a flush that takes a snapshot')
  t.deepEqual([told(after, 'refused'), told(after, 'written')], [ErrorCode.KAFKA_STORAGE_ERROR, 34])
  const { log } = await open(after, after.dir)
  t.is(log.endOffset, 35)
  t.deepEqual([log.producer(7), log.producer(8)?.batches.at(-1)?.lastSequence], [undefined, 0])
})

serialWithFaults('no snapshot tells of a producer whose write was on its way when a flush was over', async (t) => {
  const after = await play(t, 'a write that fails behind a flush that could have taken a snapshot')
  t.is(told(after, 'refused'), ErrorCode.KAFKA_STORAGE_ERROR)
  const { log } = await open(after, after.dir)
  t.is(log.endOffset, 36)
  t.deepEqual([log.producer(7), log.producer(8)?.batches.at(-1)?.lastSequence], [undefined, 1])
})

serialWithFaults('a leader epoch that began while another was written is in the file before the recovery point passes it', async (t) => {
  const after = await play(t, 'a leader epoch that begins while another is written')
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 2)
  const { log } = await open(after, cut)
  t.deepEqual([log.epochOf(0), log.epochOf(1)], [1, 5])
})

serialWithFaults('the recovery point waits for an index of aborts that could not be written', async (t) => {
  const after = await play(t, 'an abort whose index has no room')
  const { log } = await open(after, await after.cutAt(DONE))
  t.is(log.endOffset, 3)
  t.is((await log.abortedTransactions(0, 3)).length, 1)
})

serialWithFaults('a name that came beside a flush of the folder is flushed by another one', async (t) => {
  const after = await play(t, 'a leader epoch that is saved beside a flush of the folder')
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 2)
  t.is((await open(after, cut)).log.epochOf(1), 5)
})

serialWithFaults('what is written beside a flush is above the recovery point', async (t) => {
  const after = await play(t, 'a write beside a flush')
  t.is(await checkpointOf(await after.cutAt(DONE), RECOVERY_POINT_FILE), 8)
})

serialWithFaults('a flush takes to the disk also what a killed process has left', async (t) => {
  const after = await play(t, 'a flush of what a killed process left', leaveUnflushed)
  t.true(isSyncedBetween(after.entries, logOf(0), after.at('opened'), after.at(DONE)))
})

serialWithFaults('an abort is in its index before the flush that shows it', async (t) => {
  const after = await play(t, 'an abort that a flush shows')
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 19)
  const { log } = await open(after, cut)
  t.is((await log.abortedTransactions(0, 19)).length, 1)
})

serialWithFaults('the end of a time index that a start writes is flushed with the next flush', async (t) => {
  const after = await play(t, 'a flush of what a killed process left', leaveUnsealed)
  const index = path.join('data', FOLDER, `${offsetName(0)}.timeindex`)
  const written = after.entries.findIndex(({ op, path: name }) => op === JournalOp.write && name === index)
  t.true(written >= 0)
  t.true(isSyncedBetween(after.entries, index, written, after.at(DONE)))
})

serialWithFaults('an abort that a killed process has cut off does not come back below the recovery point', async (t) => {
  const after = await play(t, 'a flush behind a cut that a killed process made', leaveHalfCut)
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 6)
  const { log } = await open(after, cut)
  t.is((await log.abortedTransactions(0, 6)).length, 1)
})

serialWithFaults('a flush that a truncation has overtaken vouches for nothing that comes in place of the tail', async (t) => {
  const after = await play(t, 'a truncation beside a flush')
  const cut = await after.cutAt(DONE)
  t.true((await checkpointOf(cut, RECOVERY_POINT_FILE))! <= 5)
  t.is((await open(after, cut)).log.endOffset, 5)
})

for (const scene of ['a truncation that is over before the flush that it overtook', 'a flush that a truncation waits beside']) {
  serialWithFaults(`nor does one behind or within it: ${scene}`, async (t) => {
    const after = await play(t, scene)
    t.is(await checkpointOf(await after.cutAt(DONE), RECOVERY_POINT_FILE), 4)
  })
}

serialWithFaults('a segment whose seal had no room is sealed when there is', async (t) => {
  const after = await play(t, 'a seal that has no room')
  t.deepEqual([told(after, 'failed'), told(after, 'appended')], [1, 10])
  const cut = await after.cutAt(DONE)
  const index = await readFile(path.join(cut, FOLDER, `${offsetName(0)}.timeindex`))
  t.is(readInt64(index, index.length - 12), new ManualClock().now() + 12)
  const { log } = await open(after, cut)
  t.is((await readAll(log)).length, 11)
})

serialWithFaults('leader epochs that wait to be written at a stop are written by it alone', async (t) => {
  const { entries } = await play(t, 'a stop while leader epochs wait to be written')
  const begun = entries.filter(({ op, path: name }) => op === JournalOp.create && name.endsWith('leader-epoch-checkpoint.tmp'))
  const isTogether = entries.some(({ op, file }) => op === JournalOp.syncEnd && file === ALL_FILES)
  t.is(isTogether ? begun.length : new Set(begun.map(({ path: name }) => name)).size, MANY_LOGS)
})
