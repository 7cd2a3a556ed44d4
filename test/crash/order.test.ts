/** In which order the engine asks the disk, as the journal tells: names before promises, whole files before names. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { JournalOp, readJournal, type JournalEntry } from '../../src/cli/crash-journal.js'
import { writeTransactionEntry } from '../../src/storage/transaction-index.js'
import { testWithFaults } from '../support/faults.js'
import { unsound } from './discipline.js'
import { decodeLines } from './history.js'
import { makePlace, removePlace } from './place.js'
import { RecoveryPoints } from './recovery-points.js'
import { runChild } from './rounds.js'

const SEED = 7

testWithFaults('what an acknowledgement behind a flush promises is on the disk before: folders, names, bytes', async (t) => {
  const place = await makePlace()
  t.teardown(() => removePlace(place))
  await writeFile(place.history, '')
  const journal = path.join(place.work, 'journal')
  const end = await runChild(place, { journal, seed: SEED, name: 'o', operations: 80, end: 'close' })
  t.is(end.code, 0, end.complaint)
  const entries = readJournal(await readFile(journal))
  t.deepEqual(unsound(entries), [])
  const seen = new Set<string>()
  for (const [at, entry] of entries.entries()) {
    if (entry.op !== JournalOp.mark) continue
    for (const line of decodeLines(entry.data.toString())) {
      // The ends of transactions do not say their names.
      if (line[0] !== 'ack' || line[1] !== 'durable' || line[3].startsWith('marker')) continue
      const before = entries.slice(0, at)
      // Where the partition was at that time: in one of the two directories.
      const written = before.findIndex(
        ({ op, path: name, data }) => op === JournalOp.write && isLogOf(name, line[2]) && data.includes(`${line[3]} 0 `)
      )
      const { path: log, file } = entries[written]!
      const folder = path.dirname(log)
      t.true(isSyncedBehind(before, written, file), `${log}: the bytes of ${line[3]}`)
      // One that was moved here had another name first.
      const folders = [folder, ...before.filter(({ op, to }) => op === JournalOp.rename && to === folder).map((entry) => entry.path)]
      const created = before.findIndex(
        ({ op, path: name }) =>
          op === JournalOp.create && path.basename(name) === path.basename(log) && folders.includes(path.dirname(name))
      )
      t.true(created >= 0 && folders.some((each) => isSyncedBehind(before, created, each)), `${log}: its name`)
      const made = before.findIndex(({ op, path: name }) => op === JournalOp.makeFolder && folders.includes(name))
      if (made >= 0) t.true(isSyncedBehind(before, made, path.dirname(folder)), `${folder}: its name`)
      seen.add(folder)
    }
  }
  t.true(seen.size >= 2)
})

function isLogOf(name: string, partition: number): boolean {
  return new RegExp(`^[^/]+/durable-${partition}/\\d+\\.log$`).test(name)
}

/** Whether a sync of a file (by number) or a folder (by path) began behind an entry and has ended. */
function isSyncedBehind(entries: readonly JournalEntry[], at: number, what: number | string): boolean {
  const fits = (entry: JournalEntry) => (typeof what === 'number' ? entry.file === what : entry.path === what)
  const begin = entries.findIndex((entry, index) => index > at && entry.op === JournalOp.syncBegin && fits(entry))
  return begin >= 0 && entries.some((entry, index) => index > begin && entry.op === JournalOp.syncEnd && !entry.failed && fits(entry))
}

function entry(op: number, name: string, more: Partial<JournalEntry> = {}): JournalEntry {
  return { op, path: name, to: '', failed: false, file: name.length, offset: 0, length: 0, timeMs: 0, data: Buffer.alloc(0), ...more }
}

test('the rules of order find what breaks them', (t) => {
  const { create, write, syncBegin, syncEnd, rename, mark } = JournalOp
  const bytes = { data: Buffer.from('x') }
  const sync = (name: string) => [entry(syncBegin, name), entry(syncEnd, name)]
  const closed = entry(mark, '', { data: Buffer.from('["closed"]\n') })
  const replace = entry(rename, 'd/a.tmp', { to: 'd/a' })
  t.deepEqual(unsound([entry(create, 'd/a.tmp'), entry(write, 'd/a.tmp', bytes), replace]), ['d/a.tmp becomes d/a before it is flushed'])
  const good = [entry(create, 'd/a.tmp'), entry(write, 'd/a.tmp', bytes), ...sync('d/a.tmp'), replace]
  const marker = entry(rename, 'd/.kafka_cleanshutdown.tmp', { to: 'd/.kafka_cleanshutdown' })
  t.deepEqual(unsound([...good, closed]), [])
  t.deepEqual(unsound([...good, marker, closed]), ['d has names at the orderly stop that are not flushed'])
  t.deepEqual(unsound([...good, marker, ...sync('d'), closed]), [])
  const late = entry(create, 'd/t-0/b')
  t.deepEqual(unsound([late, marker, ...sync('d/t-0'), ...sync('d'), closed]), ['d/t-0 has names at the orderly stop that are not flushed'])
  t.deepEqual(unsound([late, ...sync('d/t-0'), marker, ...sync('d'), closed]), [])
  const index = (data: Buffer) => unsound([entry(create, 'd/0.index'), entry(write, 'd/0.index', { data }), ...sync('d/0.index')])
  t.deepEqual(index(Buffer.alloc(16, 1)), [])
  t.deepEqual(index(Buffer.alloc(13, 1)), ['d/0.index is flushed with 13 bytes, which are no whole entries'])
  t.deepEqual(index(Buffer.concat([Buffer.alloc(8, 1), Buffer.alloc(8)])), ['d/0.index is flushed with room at its end'])
})

test('a swap of which a step is not flushed before the next is found', (t) => {
  const { create, syncBegin, syncEnd, rename, unlink } = JournalOp
  const sync = [entry(syncBegin, 'd/t-0'), entry(syncEnd, 'd/t-0')]
  const log = `d/t-0/${'0'.repeat(20)}.log`
  const flushedFile = [entry(create, `${log}.cleaned`), entry(syncBegin, `${log}.cleaned`), entry(syncEnd, `${log}.cleaned`)]
  const steps = [
    entry(rename, `${log}.cleaned`, { to: `${log}.swap` }),
    entry(rename, log, { to: `${log}.deleted` }),
    entry(rename, `${log}.swap`, { to: log })
  ]
  const run = (without: number) => unsound([...flushedFile, ...steps.flatMap((step, at) => (at === without ? [step] : [...sync, step]))])
  t.deepEqual(run(-1), [])
  for (const [without, what] of ['the names of its cleaned files', 'the names of its swap files', 'the end of the old segments'].entries())
    t.deepEqual(run(without), [`${steps[without]!.path} goes or gets another name before ${what} are flushed`])
  const undo = [entry(unlink, `${log}.swap`), entry(unlink, `${log}.index.cleaned`.replace('.log', ''))]
  t.is(unsound(undo).length, 1)
  t.deepEqual(unsound([undo[0]!, ...sync, undo[1]!]), [])
})

test('a recovery point that is ahead of the disk is found: of bytes, and of names', (t) => {
  const { create, write, truncate, syncBegin, syncEnd, rename } = JournalOp
  const folder = 'd/t-0'
  const log = `${folder}/${'0'.repeat(20)}.log`
  const aborted = `${folder}/${'0'.repeat(20)}.txnindex`
  const temporary = 'd/recovery-point-offset-checkpoint.tmp'
  const sync = (name: string) => [entry(syncBegin, name), entry(syncEnd, name)]
  const batch = Buffer.alloc(100)
  batch.writeBigInt64BE(7n)
  batch[16] = 2
  const marker = Buffer.alloc(34)
  writeTransactionEntry(marker, 0, { producerId: 1, firstOffset: 3, lastOffset: 8, lastStableOffset: 9 })
  const point = (offset: number) => [
    entry(create, temporary),
    entry(write, temporary, { data: Buffer.from(`0\n1\nt 0 ${offset}\n`) }),
    entry(rename, temporary, { to: 'd/recovery-point-offset-checkpoint' })
  ]
  const problemsOf = (...entries: JournalEntry[]): string[] => {
    const points = new RecoveryPoints()
    return entries.flatMap((one) => points.apply(one))
  }
  const written = [entry(create, log), ...sync(folder), entry(write, log, { data: batch })]
  t.deepEqual(problemsOf(...written, ...point(7)), [])
  t.deepEqual(problemsOf(...written, ...point(8)), [`the recovery point 8 is ahead of ${log}, where offset 7 is not flushed`])
  t.deepEqual(problemsOf(...written, ...sync(log), ...point(8)), [])
  const late = [...written, ...sync(log), entry(create, aborted), entry(write, aborted, { data: marker }), ...sync(aborted)]
  t.deepEqual(problemsOf(...late, ...point(9)), [`the recovery point 9 is ahead of the name of ${aborted}, which begins with offset 8`])
  t.deepEqual(problemsOf(...late, ...sync(folder), ...point(9)), [])
  const second = entry(write, aborted, { data: marker, offset: marker.length })
  const cut = [...late, second, ...sync(aborted), ...sync(folder), ...point(8), entry(truncate, aborted, { length: marker.length })]
  t.deepEqual(problemsOf(...cut, ...point(9)), [`the recovery point 9 is ahead of ${aborted}, of which a cut is not flushed`])
  t.deepEqual(problemsOf(...cut, ...sync(aborted), ...point(9)), [])
})
