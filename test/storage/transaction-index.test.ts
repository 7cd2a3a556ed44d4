/** The transaction index of one segment: its file, its searches, and how it is cut, against an array. */
import { readFileSync } from 'node:fs'
import { mkdir, open, readFile, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import test from 'ava'
import {
  readTransactionEntry,
  TRANSACTION_ENTRY_BYTES,
  TransactionIndex,
  transactionIndexFlaw,
  writeTransactionEntry,
  type AbortedTransaction
} from '../../src/storage/transaction-index.js'
import { fixturePath } from '../support/fixtures.js'
import { temporaryFolder } from './support.js'

const aborted = (firstOffset: number, lastOffset: number, lastStableOffset = lastOffset + 1, producerId = 7): AbortedTransaction => ({
  producerId,
  firstOffset,
  lastOffset,
  lastStableOffset
})

function encoded(entries: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.alloc(entries.length * TRANSACTION_ENTRY_BYTES)
  for (const [index, entry] of entries.entries()) writeTransactionEntry(bytes, index * TRANSACTION_ENTRY_BYTES, entry)
  return bytes
}

test('an entry has the bytes of Apache Kafka', (t) => {
  const bytes = encoded([{ producerId: 0x0002030405060708, firstOffset: 1, lastOffset: 2 ** 33, lastStableOffset: 3 }])
  t.is(bytes.toString('hex'), ['0000', '0002030405060708', '0000000000000001', '0000000200000000', '0000000000000003'].join(''))
})

test('the files of a real Kafka are read, and made again byte for byte', async (t) => {
  const golden = JSON.parse(gunzipSync(readFileSync(fixturePath('golden-log/clean.json.gz'))).toString()) as {
    files: Record<string, { entries: [number, string, string, string, string][] }>
  }
  const folder = await temporaryFolder(t)
  execFileSync('tar', ['-xzf', fixturePath('golden-log/clean.tar.gz'), '-C', folder])
  const names = Object.keys(golden.files).filter((name) => name.endsWith('.txnindex'))
  t.is(names.length, 3)
  for (const name of names) {
    const base = Number(path.basename(name, '.txnindex'))
    const index = new TransactionIndex(() => path.join(folder, name), base, false)
    t.is(await index.check(), undefined, name)
    const expected = golden.files[name]!.entries.map(([, producerId, first, last, stable]) =>
      aborted(Number(first), Number(last), Number(stable), Number(producerId))
    )
    t.deepEqual(await index.all(), expected, name)
    const copy = new TransactionIndex(() => path.join(folder, 'copy.txnindex'), base, true)
    for (const entry of expected) copy.append(entry)
    await copy.write()
    t.deepEqual(await readFile(path.join(folder, 'copy.txnindex')), await readFile(path.join(folder, name)), name)
    copy.reset()
    await copy.write()
  }
})

type Step =
  | { readonly kind: 'append'; readonly length: number; readonly open: number; readonly burst: number }
  | { readonly kind: 'search' | 'truncate'; readonly from: number; readonly to: number }
  | { readonly kind: 'reset' | 'reopen' | 'write' | 'sync' | 'release' | 'tear' }

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      length: fc.nat(20),
      open: fc.nat(30),
      burst: fc.integer({ min: 1, max: 5 })
    })
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('search' as const, 'truncate' as const), from: fraction, to: fraction }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('reset' as const, 'reopen' as const, 'write' as const, 'sync' as const, 'release' as const, 'tear' as const)
    })
  }
)

test('an index behaves as an array', async (t) => {
  const folder = await temporaryFolder(t)
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const file = path.join(folder, `${round++}.txnindex`)
      let index = new TransactionIndex(() => file, 0, true)
      let model: AbortedTransaction[] = []
      let next = 0
      for (const one of steps) {
        if (one.kind === 'append') {
          await index.ready()
          for (let count = 0; count < one.burst; count++) {
            const last = next + 1 + one.length
            // As the log says: it never falls.
            const stable = Math.max(model.at(-1)?.lastStableOffset ?? 0, last + 1 - one.open)
            const entry = aborted(Math.max(0, last - 1 - one.length - one.open), last, Math.min(stable, last + 1))
            index.append(entry)
            model.push(entry)
            next = last + 1
          }
        } else if (one.kind === 'search') {
          const from = Math.floor(one.from * (next + 2))
          const to = from + Math.floor(one.to * (next + 2 - from)) + 1
          const found = await index.collect(from, to)
          const stop = model.findIndex((entry) => entry.lastStableOffset >= to)
          const seen = stop < 0 ? model : model.slice(0, stop + 1)
          const expected = seen.filter((entry) => entry.lastOffset >= from && entry.firstOffset < to)
          if (JSON.stringify(found.transactions) !== JSON.stringify(expected)) throw new Error(`[${from}, ${to}) differs`)
          if (found.complete !== stop >= 0) throw new Error(`[${from}, ${to}) is ${found.complete ? '' : 'not '}complete`)
        } else if (one.kind === 'truncate') {
          const offset = Math.floor(one.from * (next + 1))
          await index.ready()
          index.truncateTo(offset)
          model = model.filter((entry) => entry.lastOffset < offset)
          next = Math.max(model.at(-1)?.lastOffset ?? -1, offset - 1) + 1
        } else if (one.kind === 'reset') {
          index.reset()
          model = []
        } else if (one.kind === 'write') await index.write()
        else if (one.kind === 'sync') {
          await index.write()
          await index.sync()
        } else if (one.kind === 'release') index.release()
        else {
          await index.write()
          const bytes = await readFile(file).catch(() => Buffer.alloc(0))
          if (!bytes.equals(encoded(model))) throw new Error(`the file has ${bytes.length} bytes and is not what was appended`)
          if (one.kind === 'tear' && bytes.length > 0) {
            await writeFile(file, Buffer.concat([bytes, Buffer.alloc(9)]))
            index = new TransactionIndex(() => file, 0, false)
            if ((await index.check()) === undefined) throw new Error('a torn entry was not noticed')
            index.reset()
            model = []
          } else index = new TransactionIndex(() => file, 0, false)
        }
      }
      if (JSON.stringify(await index.all()) !== JSON.stringify(model)) throw new Error('the entries differ')
      await index.write()
      const left = await readFile(file).catch(() => Buffer.alloc(0))
      if (!left.equals(encoded(model))) throw new Error('the file differs')
    }),
    { numRuns: 60, seed: 20_261_121 }
  )
  t.pass()
})

test('what is no index is told, and why', (t) => {
  const good = encoded([aborted(100, 103), aborted(101, 110)])
  t.is(transactionIndexFlaw(good, 100), undefined)
  t.is(transactionIndexFlaw(Buffer.alloc(0), 100), undefined)
  t.regex(transactionIndexFlaw(good, 104)!, /offset 103, not above 103/)
  t.regex(transactionIndexFlaw(good.subarray(0, 50), 100)!, /16 bytes that are no whole entry/)
  t.regex(transactionIndexFlaw(encoded([aborted(0, 5), aborted(1, 5)]), 0)!, /at byte 34 is at offset 5, not above 5/)
  t.regex(transactionIndexFlaw(encoded([aborted(6, 5)]), 0)!, /before its start 6/)
  t.regex(
    transactionIndexFlaw(Buffer.concat([Buffer.alloc(TRANSACTION_ENTRY_BYTES), encoded([aborted(17, 57)])]), 0)!,
    /before its start 0/
  )
  const newer = Buffer.from(good)
  newer.writeInt16BE(1, 34)
  t.regex(transactionIndexFlaw(newer, 100)!, /at byte 34 has the unknown version 1/)
})

test('a flush that comes before the first entry is written has nothing to sync', async (t) => {
  const file = path.join(await temporaryFolder(t), 'a.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  index.append({ producerId: 1, firstOffset: 0, lastOffset: 1, lastStableOffset: 2 })
  await index.sync()
  t.true(index.dirty, 'the entry is still to come')
  t.true(await index.write())
  await index.sync()
  t.false(index.dirty)
})

test('a file that came between write and sync of a flush is behind until the next write tells of its name', async (t) => {
  const file = path.join(await temporaryFolder(t), 'a.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  t.false(await index.write())
  index.append(aborted(1, 4))
  await index.settle()
  await index.sync()
  t.true(index.dirty, 'its folder was flushed before it had the name')
  t.true(await index.write())
  t.false(index.dirty)
})

test('entries are seen at once and are in the file after write; a file that was emptied goes', async (t) => {
  const file = path.join(await temporaryFolder(t), '0.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  t.true(index.isEmpty)
  t.false(await index.write(), 'nothing to write, no file')
  await t.throwsAsync(stat(file), { code: 'ENOENT' })
  index.append(aborted(1, 4))
  t.deepEqual(index.collect(0, 9), { transactions: [aborted(1, 4)], complete: false })
  t.true(index.dirty)
  t.true(await index.write(), 'a file was created')
  t.false(await index.write())
  await index.sync()
  t.false(index.dirty)
  t.deepEqual(readTransactionEntry(await readFile(file), 0), aborted(1, 4))
  t.throws(() => index.append(aborted(2, 4)), { message: /order of their markers/ })
  index.reset()
  await index.write()
  await index.sync()
  await t.throwsAsync(stat(file), { code: 'ENOENT' })
  index.append(aborted(2, 3))
  await index.write()
  t.is((await stat(file)).size, 34)
})

test('an entry that could not be written stays, and is written by the next call', async (t) => {
  const folder = path.join(await temporaryFolder(t), 'missing')
  let file = path.join(folder, '0.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  index.append(aborted(1, 4))
  await t.throwsAsync(index.write(), { name: 'StorageError', code: 'ENOENT' })
  t.true(index.dirty)
  file = path.join(path.dirname(folder), '0.txnindex')
  index.append(aborted(5, 6))
  await index.write()
  t.deepEqual(await readFile(file), encoded([aborted(1, 4), aborted(5, 6)]))
})

test('an index that could not be synced is behind until it was', async (t) => {
  const folder = await temporaryFolder(t)
  let file = path.join(folder, '0.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  index.append(aborted(1, 4))
  await index.write()
  file = path.join(file, 'below')
  await t.throwsAsync(index.sync(), { name: 'StorageError', code: 'ENOTDIR' })
  file = path.dirname(file)
  t.true(index.dirty)
  await index.sync()
  t.false(index.dirty)
})

test('an entry that is written beside a sync needs another one', async (t) => {
  const file = path.join(await temporaryFolder(t), '0.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  index.append(aborted(1, 4))
  await index.write()
  index.append(aborted(5, 6))
  await index.sync()
  await index.write()
  t.true(index.dirty)
})

test.serial('an entry that comes while the disk is at work needs another sync', async (t) => {
  const file = path.join(await temporaryFolder(t), '0.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  index.append(aborted(1, 4))
  await index.write()
  const handle = await open(file)
  const handles = Object.getPrototypeOf(handle) as FileHandle
  const real = Object.getOwnPropertyDescriptor(handles, 'datasync')!
  t.teardown(() => Object.defineProperty(handles, 'datasync', real))
  handles.datasync = async function (this: FileHandle) {
    await (real.value as () => Promise<void>).call(this)
    index.append(aborted(5, 6))
    await index.write()
  }
  await handle.close()
  await index.sync()
  t.true(index.dirty)
})

test('an index that could not be removed goes with the next write', async (t) => {
  const folder = await temporaryFolder(t)
  const blocked = path.join(folder, 'a-folder')
  await mkdir(blocked)
  let file = path.join(folder, '0.txnindex')
  const index = new TransactionIndex(() => file, 0, true)
  index.append(aborted(1, 4))
  await index.write()
  const there = file
  file = blocked
  index.reset()
  await t.throwsAsync(index.write(), { name: 'StorageError' })
  t.true(index.dirty)
  file = there
  await index.write()
  await t.throwsAsync(stat(there), { code: 'ENOENT' }, 'a start would take its entry for one of what is written next')
})
