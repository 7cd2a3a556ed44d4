/** What a program in plain JavaScript may hand in by mistake: it is refused, by name, and the log is as it was. */
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  buildBatch,
  decodeBatches,
  LogDirectory,
  RecordBatchBuilder,
  verifyFolder,
  type AppendOptions,
  type Log,
  type LogDirectoryOptions,
  type LogRecord,
  type ReadOptions,
  type RecordInput
} from '../../../src/storage/index.js'

async function opened(t: ExecutionContext): Promise<LogDirectory> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-wrong-'))
  const directory = await LogDirectory.open(path.join(folder, 'data'))
  t.teardown(async () => {
    await directory.close()
    await rm(folder, { recursive: true, force: true })
  })
  return directory
}

const value = Buffer.from('v')

test('records, options and offsets of the wrong kind', async (t) => {
  const directory = await opened(t)
  const log = await directory.log('t')
  await log.append({ value, timestamp: 5 })
  const wrong = (what: unknown) => what as never
  const appends: [unknown, AppendOptions?][] = [
    [{ value: 'text' }],
    [{ key: 5, value }],
    [{ value, timestamp: NaN }],
    [{ value, timestamp: 1.5 }],
    [{ value, timestamp: new Date() }],
    [{ value, timestamp: -5 }],
    [{ value, headers: { a: 'b' } }],
    [{ vaule: value }],
    [{ key: value, Value: value }],
    [null],
    [[]],
    [value],
    [[value]],
    [{ value }, wrong(5)],
    [{ value }, wrong(null)],
    [{ value }, { producer: wrong(null) }],
    [{ value }, { producer: { id: 1, epoch: 0, sequence: 0, transactional: wrong('yes') } }],
    [{ value }, { compression: wrong('brotli') }],
    [{ value }, wrong({ compresion: 'gzip' })],
    [{ value }, { producer: wrong({ id: 1 }) }]
  ]
  for (const [records, options] of appends) {
    const error = await t.throwsAsync(log.append(records as RecordInput, options))
    t.true(error instanceof TypeError || error instanceof RangeError, String(error))
  }
  for (const offset of [NaN, 1.5, wrong('0')]) {
    for (const call of [
      () => log.read(offset),
      () => log.regions(offset, 10),
      () => log.deleteBefore(offset),
      () => log.truncateTo(offset),
      () => log.abortedTransactions(offset),
      () => log.offsetForTimestamp(offset)
    ])
      await t.throwsAsync(call, { instanceOf: RangeError })
  }
  const reads: ReadOptions[] = [{ follow: wrong(true) }, { isolation: wrong('committed') }, { maxBytes: NaN }, { from: 0.5 }]
  reads.push({ to: NaN }, wrong(5), wrong({ form: 1 }))
  for (const options of reads) t.throws(() => log.records(options), undefined, JSON.stringify(options))
  await t.throwsAsync(log.endTransaction({ id: 1, epoch: 0 }, wrong('maybe')), { instanceOf: RangeError })
  await t.throwsAsync(log.endTransaction(wrong(undefined), 'commit'), { instanceOf: TypeError })
  await t.throwsAsync(log.abortedTransactions(0, NaN), { instanceOf: RangeError })
  for (const region of [undefined, 'file', {}]) {
    const error = await t.throwsAsync(log.send(process.stdout, wrong(region)))
    t.true(error instanceof TypeError || error instanceof RangeError, String(error))
  }
  await t.throwsAsync(log.read(0, 10, wrong({ from: 1 })), { instanceOf: TypeError, message: /'from'/ })
  t.is((await log.append({ value, timestamp: 9 })).firstOffset, 1)
  t.is((await log.offsetForTimestamp(6))?.offset, 1)
  // What was read, a record without a value, a program's own.
  for await (const record of log.records({ to: 1 })) await log.append(record)
  for (const one of [{ key: value }, { key: value, value: null }, { value, id: 7 }]) await log.append(one)
  t.is(log.endOffset, 6)
  t.is(log.startOffset, 0)
})

test('a batch that is built of values of the wrong kind', async (t) => {
  const wrong = (what: unknown) => what as never
  const calls: (() => unknown)[] = [
    () => buildBatch(wrong(undefined)),
    () => buildBatch([]),
    () => buildBatch(wrong('text')),
    () => buildBatch([wrong(5)]),
    () => buildBatch([{ value: wrong('text') }]),
    () => buildBatch([{ value }], wrong(null)),
    () => buildBatch([wrong({ valeu: value })]),
    () => buildBatch([{ value }], wrong({ baseOfset: 1 })),
    () => buildBatch([{ value }], { baseOffset: NaN }),
    () => buildBatch([{ value }], { timestamp: 1.5 }),
    () => buildBatch([{ value }], { producerEpoch: 40_000 }),
    () => buildBatch([{ value }], { transactional: wrong('no') }),
    () => new RecordBatchBuilder({ baseSequence: wrong('1') }),
    () => new RecordBatchBuilder().append(wrong(value)),
    () => new RecordBatchBuilder().build(),
    () => new RecordBatchBuilder().append({ value }, 5.5),
    () => new RecordBatchBuilder().append({ value }, 2 ** 31),
    () => new RecordBatchBuilder().append({ value }, 5).append({ value }, 5),
    () => [...decodeBatches(wrong('text'))]
  ]
  for (const call of calls) {
    const error = t.throws(call, undefined, String(call))
    t.true(error instanceof TypeError || error instanceof RangeError, String(error))
  }
  for (const codec of ['brotli', 9, -1, 0.5, undefined])
    await t.throwsAsync(new RecordBatchBuilder().append({ value }).buildCompressed(wrong(codec)), { instanceOf: RangeError })
  await t.throwsAsync(new RecordBatchBuilder().buildCompressed('gzip'), { instanceOf: RangeError })
  const [named, numbered] = [await new RecordBatchBuilder().append({ value }, 4).append({ value }).buildCompressed('lz4'), 3]
  t.deepEqual(
    [...decodeBatches(named)].map(({ compression, lastOffset }) => [compression, lastOffset]),
    [[numbered, 5]]
  )
  t.is([...decodeBatches(buildBatch([{ value }], { timestamp: -1, baseOffset: 7 }))][0]!.baseOffset, 7)
})

test('options of the wrong kind open nothing', async (t) => {
  const directory = await opened(t)
  const where = `${directory.path}-other`
  const wrong = (what: unknown) => what as never
  const options: LogDirectoryOptions[] = [
    wrong(null),
    wrong('text'),
    { settings: wrong(new Map([['log.segment.bytes', '1048576']])) },
    { settings: wrong(5) },
    // The others would be missed when there is something to tell.
    { log: wrong({ info: () => undefined }) },
    { clock: wrong(Date) },
    { readOnly: wrong('no') },
    // As it is written in other packages.
    wrong({ readonly: true })
  ]
  for (const one of options) await t.throwsAsync(LogDirectory.open(where, one), { instanceOf: TypeError })
  for (const one of [null, 5, { create: 'no' }, { settings: [] }, { setings: {} }])
    await t.throwsAsync(directory.log('t', wrong(one)), { instanceOf: TypeError })
  for (const name of [undefined, 5, '../t']) await t.throwsAsync(directory.delete(wrong(name)), { code: 'INVALID_TOPIC_EXCEPTION' })
  await t.throwsAsync(directory.delete('t', -1), { code: 'INVALID_PARTITIONS' })
  for (const folder of [undefined, 5]) await t.throwsAsync(verifyFolder(wrong(folder)), { instanceOf: TypeError })
  await t.throwsAsync(verifyFolder(where), { code: 'ENOENT', name: 'StorageError' })
  t.deepEqual([...directory.names()], [])
})

test('a path that is no folder, and can be none, is named with the code of the system', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-wrong-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const [file, link] = [path.join(folder, 'file'), path.join(folder, 'link')]
  await writeFile(file, '')
  await symlink(path.join(folder, 'nowhere'), link)
  const cases: [string, string][] = [
    // Below /proc a folder that is missing in one that is there is ENOENT.
    ['/proc/none', 'ENOENT'],
    ['/proc/self/none/below', 'ENOENT'],
    ['/dev/null/below', 'ENOTDIR'],
    [file, 'ENOTDIR'],
    [link, 'ENOENT'],
    [path.join(link, 'below'), 'ENOENT'],
    [path.join(folder, 'x'.repeat(5000)), 'ENAMETOOLONG'],
    [path.join(folder, 'below/'.repeat(1000)), 'ENAMETOOLONG']
  ]
  for (const [where, code] of cases) {
    await t.throwsAsync(LogDirectory.open(where), { name: 'StorageError', code }, where)
    await t.throwsAsync(LogDirectory.open(where, { readOnly: true }), { name: 'ConfigError' }, where)
  }
  for (const where of ['', 'a\0b', undefined, new URL('file:///tmp')]) {
    const error = await t.throwsAsync(LogDirectory.open(where as string))
    t.true(error instanceof TypeError || error instanceof RangeError, String(error))
  }
  t.deepEqual((await readdir(folder)).toSorted(), ['file', 'link'])
})

test('a name that no topic may have leaves the other logs as they are', async (t) => {
  const directory = await opened(t)
  const log = await directory.log('t')
  for (const name of ['', '.', '..', 'a/b', 'x'.repeat(250), 'x'.repeat(400), '__cluster_metadata'])
    await t.throwsAsync(directory.log(name), { code: 'INVALID_TOPIC_EXCEPTION' }, name)
  t.is((await directory.log('x'.repeat(249))).endOffset, 0)
  t.is((await log.append({ value })).firstOffset, 0)
})

test('who follows a log that is deleted is let go, and it takes nothing more', async (t) => {
  const directory = await opened(t)
  const log = await directory.log('t')
  await log.append({ value })
  const reader = log.records({ follow: new AbortController().signal })
  t.is(((await reader.next()).value as LogRecord).offset, 0)
  const next = reader.next()
  await directory.delete('t')
  t.true((await next).done)
  await t.throwsAsync(log.append({ value }), { code: 'ECANCELED' })
  t.is((await (await directory.log('t')).append({ value })).firstOffset, 0)
})

test('a log that is deleted while it is made is let go, or made anew', async (t) => {
  const directory = await opened(t)
  const logs: Log[] = []
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, async (_, index) => {
      if (index % 3 === 0) return directory.delete('t')
      const log = await directory.log('t')
      logs.push(log)
      await log.append({ value })
    })
  )
  const codes = outcomes.map((one) => (one.status === 'fulfilled' ? 'done' : (one.reason as { code: string }).code))
  t.deepEqual(
    [...new Set(codes)].filter((code) => !['done', 'ECANCELED'].includes(code)),
    []
  )
  await directory.delete('t')
  for (const log of new Set(logs)) await t.throwsAsync(log.append({ value }), { code: 'ECANCELED' })
  t.is((await (await directory.log('t')).append({ value })).firstOffset, 0)
})
