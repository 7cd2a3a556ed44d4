/** `npm run bench:storage`: all stores keep the same, the suite says what it measured and what it left out, and a tiny run leaves nothing behind. */
import { createHash } from 'node:crypto'
import { readFile, readdir, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { BenchmarkResult } from '../../bench/lib/result.js'
import { silentProgress } from '../../bench/lib/progress.js'
import { batchOf } from '../../bench/storage/append.js'
import { openLoops } from '../../bench/storage/loops.js'
import { parseOptions } from '../../bench/storage/options.js'
import { load, openPeers } from '../../bench/storage/peers.js'
import { RECORDS_PER_BATCH, SPARSE_TOPIC, writeSparseLog } from '../../bench/storage/sparse-log.js'
import { FILES } from '../../bench/storage/stores/files.js'
import { openSluice } from '../../bench/storage/stores/sluice.js'
import { Rounds, type Policy, type Store, type StoreOptions } from '../../bench/storage/stores/store.js'
import { LogDirectory } from '../../src/storage/index.js'
import { crc32c } from '../../src/record/crc32c.js'
import { root, run } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MIB = 2 ** 20
const SUITE = path.join(root, 'dist/bench/storage/main.js')
const never = new AbortController().signal

test.before('compile the loops', async (t) => {
  t.timeout(240_000)
  await openLoops(never)
})

const text = (number: number): Buffer => createHash('sha256').update(String(number)).digest()

async function keeps(t: ExecutionContext, policy: Policy, open: (options: StoreOptions) => Promise<Store>): Promise<void> {
  const folder = await tempDir(t)
  const store = await open({ folder, logs: 3, policy })
  const appends: Promise<unknown>[] = []
  for (let number = 0; number < 60; number += 2)
    for (let log = 0; log < 3; log++) appends.push(store.append(log, [text(number), text(number + 1)]))
  await Promise.all(appends)
  await store.append(1, [text(60)])
  const expected = Buffer.concat(Array.from({ length: 61 }, (_, number) => text(number)))
  const parts: Uint8Array[] = []
  for await (const part of store.scan(1)) parts.push(part)
  const found = Buffer.concat(parts)
  // Files and batches have more around the values.
  let at = 0
  for (let number = 0; number <= 60; number++) {
    const next = found.indexOf(text(number), at)
    t.true(next >= at, `value ${number}`)
    at = next + 32
  }
  t.true(found.length >= expected.length)
  for (const number of [60, 0, 31]) t.true(Buffer.from(await store.read(1, number)).includes(text(number)))
  await store.close()
}

for (const policy of ['no flush', 'flush'] as const) {
  test(`what was appended is read, in its order: ${policy}`, async (t) => {
    await keeps(t, policy, (options) => FILES.open(options))
    await keeps(t, policy, openSluice)
  })
}

test('encoded batches are read by their number', async (t) => {
  const { batch, records } = batchOf(4096)
  t.true(batch.length <= 4096 && batch.length > 3000)
  const store = await openSluice({ folder: await tempDir(t), logs: 1, policy: 'no flush', recordsPerBatch: records })
  await Promise.all(Array.from({ length: 1000 }, () => store.append(0, [batch])))
  let bytes = 0
  for await (const part of store.scan(0)) bytes += part.length
  t.is(bytes, 1000 * batch.length)
  t.is((await store.read(0, 999)).length, batch.length)
  await store.close()
})

test('rounds take what came meanwhile together, and a failure fails its round alone', async (t) => {
  const seen: (readonly number[])[] = []
  const rounds = new Rounds<number>((items) => {
    seen.push(items)
    if (items.includes(3)) throw new Error('three')
  })
  await Promise.all([1, 2].map((item) => rounds.add(item)))
  await t.throwsAsync(rounds.add(3), { message: 'three' })
  await rounds.add(4)
  t.deepEqual(seen, [[1, 2], [3], [4]])
})

test('a sparse log is one that the engine opens as it is, and in which it finds every batch', async (t) => {
  const folder = await tempDir(t)
  const { batches, endOffset, entries } = await writeSparseLog(folder, 1100 * MIB)
  t.is(batches, entries.length)
  const directory = await LogDirectory.open(folder)
  const log = await directory.log(SPARSE_TOPIC, { create: false })
  t.is(log.endOffset, endOffset)
  t.is(log.segments().length, 2)
  const finder = await FILES.finder(folder, entries)
  const second = 1023 * RECORDS_PER_BATCH
  for (const offset of [0, 1, RECORDS_PER_BATCH, second - 1, second, endOffset - 1]) {
    const [region] = await log.regions(offset, 1)
    t.is(region?.position, await finder.find(offset))
    t.is(region?.file, log.segments()[offset < second ? 0 : 1]?.file)
  }
  await directory.close()
})

test('the bare loops do what they are told', async (t) => {
  const dir = await tempDir(t)
  const loops = await openLoops(never)
  const plan = { dir, batchBytes: 1000, bytes: 10_000, seconds: 0.001, logs: 3, group: 4 }
  const unsynced = await loops.append({ ...plan, sync: false })
  t.is(unsynced.syncs, 0)
  t.is(unsynced.operations % 10, 0)
  t.is(unsynced.bytes, unsynced.operations * 1000)
  t.true(unsynced.seconds >= 0.001)
  const synced = await loops.append({ ...plan, sync: true })
  t.true(synced.syncs > 0 && synced.syncs <= synced.operations)
  t.deepEqual(await readdir(dir), [])
  const files = [path.join(dir, 'a'), path.join(dir, 'b')]
  const contents = [Buffer.alloc(3 * MIB + 17, 'a'), Buffer.alloc(5, 'b')]
  await Promise.all(files.map((file, index) => writeFile(file, contents[index]!)))
  const scanned = await loops.scan({ files, threads: 2 })
  t.is(scanned.bytes, 3 * MIB + 22)
  t.is(scanned.checksum, (crc32c(contents[0]!) ^ crc32c(contents[1]!)) >>> 0)
  for (const random of [false, true]) t.true((await loops.read({ file: files[0]!, readBytes: 4096, seconds: 0.001, random })).bytes > 0)
  await t.throwsAsync(loops.scan({ files: [path.join(dir, 'none')], threads: 1 }), { message: /No such file/ })
})

test('packages that are not there are named, one by one', async (t) => {
  const folder = await tempDir(t)
  await mkdir(path.join(folder, 'node_modules/lmdb'), { recursive: true })
  await writeFile(path.join(folder, 'node_modules/lmdb/package.json'), '{ "name": "lmdb", "version": "1.2.3", "main": "broken.cjs" }')
  await writeFile(path.join(folder, 'node_modules/lmdb/broken.cjs'), 'throw new Error("was built for another machine\\nand more")')
  const { kinds, leftOut, versions } = load(folder, ['lmdb', 'classic-level'])
  t.deepEqual(kinds, [])
  t.deepEqual(versions, {})
  t.deepEqual(leftOut, ['lmdb: was built for another machine', `classic-level: it could not be installed (remove ${folder} to try again)`])
  t.deepEqual(await openPeers([], silentProgress), { kinds: [], leftOut: [], versions: {} })
})

test('their lock file names no registry, and they are no packages of the project', async (t) => {
  const peers = path.join(root, 'bench/storage/peers')
  const lock = await readFile(path.join(peers, 'package-lock.json'), 'utf8')
  t.notRegex(lock, /"resolved"|https?:\/\/(?!(github|opencollective|www\.patreon|feross)\b)/)
  const { optionalDependencies } = JSON.parse(await readFile(path.join(peers, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const own = await readFile(path.join(root, 'package.json'), 'utf8')
  for (const name of Object.keys(optionalDependencies!)) t.false(own.includes(`"${name}"`))
})

test('the command line', (t) => {
  t.like(parseOptions(['--quick', '--without', 'lmdb', '--without', 'kafka', '--only', 'append']), {
    quick: true,
    without: ['lmdb', 'kafka'],
    rounds: 1,
    only: ['append']
  })
  let told = ''
  const write = (part: string): void => void (told += part)
  for (const wrong of [['--rounds', '0'], ['--without', 'files'], ['--nonsense'], ['more']])
    t.deepEqual(parseOptions(wrong, write), { exitCode: 2 })
  t.deepEqual(parseOptions(['--help'], write), { exitCode: 0 })
  t.regex(told, /bench:storage/)
})

const TINY = ['--quick', '--seconds', '0.02', '--without', 'lmdb', '--without', 'classic-level', '--without', 'better-sqlite3']

async function suite(
  t: ExecutionContext,
  args: readonly string[]
): Promise<{ readonly code: number; readonly stderr: string; readonly result: BenchmarkResult | undefined }> {
  const dir = await tempDir(t)
  const json = path.join(dir, 'result.json')
  const data = path.join(dir, 'data')
  const { code, stderr } = await run(process.execPath, [SUITE, ...args, '--json', json, '--dir', data])
  t.deepEqual(await readdir(data), [])
  const written = (await readdir(dir)).includes('result.json')
  return { code, stderr, result: written ? (JSON.parse(await readFile(json, 'utf8')) as BenchmarkResult) : undefined }
}

test('a tiny run of everything gives a result, and leaves nothing behind', async (t) => {
  const { code, stderr, result } = await suite(t, TINY)
  t.is(code, 0, stderr)
  t.is(result?.suite, 'storage')
  t.deepEqual(result?.leftOut, [])
  const groups = new Map<string, string[]>()
  for (const { group, subject, rounds } of result?.measurements ?? []) {
    groups.set(group, [...(groups.get(group) ?? []), subject])
    const { figures } = rounds[0]!
    t.true((figures.throughput ?? figures.time)! > 0 && figures.operations! > 0, `${group}, ${subject}`)
  }
  const files = 'fs with an own index'
  t.deepEqual(Object.fromEntries(groups), {
    'append, no flush': ['Sluice', 'C++ pwrite', files],
    'append, each acknowledged from the disk': ['Sluice', 'C++ pwrite + fdatasync', files],
    'append of records, no flush': ['Sluice', files],
    'look-up': ['Sluice', files, 'Sluice', files],
    'read in order, into memory': ['Sluice', 'C++ pread', files],
    'read at random, into memory': ['Sluice', 'C++ pread', files],
    'read, to a socket': [...SENDERS, ...SENDERS],
    recovery: ['Sluice', 'C++ read + CRC-32C'],
    compaction: ['Sluice']
  })
})

const SENDERS = [
  'Sluice',
  'Sluice, sendfile',
  'Sluice, splice',
  'Sluice, mmap',
  'Sluice, read/write',
  'fs.read + socket.write',
  'createReadStream().pipe()'
]

test('an unknown word is named, with the groups that there are', async (t) => {
  const { code, stderr, result } = await suite(t, [...TINY, '--only', 'teleport'])
  t.is(code, 1)
  t.is(result, undefined)
  t.regex(stderr, /bench:storage: no case has 'teleport' in its group, name or subject; the groups are:\n {2}append, no flush\n/)
})
