/** How a folder ends for a program: closed, deleted or failed, whatever is under way. */
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { buildBatch, LogDirectory, type Log, type SegmentInfo } from '../../../src/storage/index.js'

const value = Buffer.from('v')

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-ends-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return path.join(folder, 'data')
}

/** All that can be called of a log, besides appending. */
function callsOf(directory: LogDirectory, log: Log): Record<string, () => unknown> {
  return {
    log: () => directory.log('t'),
    other: () => directory.log('new'),
    delete: () => directory.delete('t'),
    records: async () => log.records({ from: 0 }).next(),
    read: () => log.read(0),
    regions: () => log.regions(0, 10),
    aborted: () => log.abortedTransactions(),
    timestamp: () => log.offsetForTimestamp(0),
    maxTimestamp: () => log.offsetOfMaxTimestamp(),
    deleteBefore: () => log.deleteBefore(1),
    applyRetention: () => log.applyRetention(),
    truncateTo: () => log.truncateTo(0),
    compact: () => log.compact(),
    roll: async () => log.roll(),
    flush: () => log.flush()
  }
}

test('a folder that fails refuses everything with what the system said, and tells who follows', async (t) => {
  const folder = await folderOf(t)
  const directory = await LogDirectory.open(folder)
  const log = await directory.log('t', { settings: { 'cleanup.policy': 'compact,delete' } })
  await log.append({ key: value, value })
  const follower = log.records({ from: 1, follow: new AbortController().signal }).next()
  await rename(folder, `${folder}.gone`)
  await t.throwsAsync(directory.log('new'), { name: 'StorageError', code: 'ENOENT' })
  const offline = { name: 'StorageError', code: 'ENOENT', message: /^the log directory .*data is offline: ENOENT/ }
  await t.throwsAsync(follower, offline)
  for (const [name, call] of Object.entries(callsOf(directory, log))) await t.throwsAsync(async () => call(), offline, name)
  await t.throwsAsync(log.append({ key: value, value }), { name: 'LogError', code: 'KAFKA_STORAGE_ERROR' })
  await directory.close()
  for (const [name, call] of Object.entries(callsOf(directory, log))) await t.throwsAsync(async () => call(), { code: 'ECANCELED' }, name)
  await t.throwsAsync(log.append({ key: value, value }), { code: 'ECANCELED' })
})

test('a log that is deleted right after an append has nothing to warn of', async (t) => {
  const warnings: string[] = []
  const warn = (line: string): number => warnings.push(line)
  const none = (): void => undefined
  const directory = await LogDirectory.open(await folderOf(t), { log: { debug: none, info: none, warn, error: warn } })
  for (let round = 0; round < 20; round++) {
    const log = await directory.log('t')
    await log.append({ value })
    await directory.delete('t')
  }
  await directory.close()
  t.deepEqual(warnings, [])
})

test('settings of a log that is refused are not those of a later one', async (t) => {
  const directory = await LogDirectory.open(await folderOf(t))
  t.teardown(() => directory.close())
  const settings = { 'segment.bytes': '2000000' }
  await t.throwsAsync(directory.log('t', { create: false, settings }), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  t.is((await directory.log('t')).config.segmentBytes, 1_073_741_824)
  await t.throwsAsync(directory.log('t', { partition: 1, create: false, settings }), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  t.is((await directory.log('t', { partition: 2 })).config.segmentBytes, 1_073_741_824)
})

test('what was appended before a folder is closed is kept, and nothing of later', async (t) => {
  const folder = await folderOf(t)
  const directory = await LogDirectory.open(folder)
  const log = await directory.log('t')
  const before = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map((compression) => log.append({ value }, { compression }))
  const closed = directory.close()
  const late = [log.append({ value }), log.appendBatch(buildBatch([{ value }])), log.append({ value }, { compression: 'gzip' })]
  for (const append of late) await t.throwsAsync(append, { code: 'ECANCELED' })
  await closed
  t.is((await Promise.all(before)).length, 5)
  await using again = await LogDirectory.open(folder)
  t.is((await again.log('t')).endOffset, 5)
})

test('a stream that is no socket gets a region, or it is told why not', async (t) => {
  const directory = await LogDirectory.open(await folderOf(t))
  t.teardown(() => directory.close())
  const log = await directory.log('t')
  for (let i = 0; i < 20; i++) await log.append({ value: Buffer.alloc(50_000, i) })
  const [region] = await log.regions(0, 10_000_000)
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warned)
  const through = new PassThrough()
  const got = through.toArray()
  for (let i = 0; i < 20; i++) await log.send(through, region!)
  through.end()
  const file = readFileSync(region!.file)
  t.true(Buffer.concat(await got).equals(Buffer.concat(Array.from({ length: 20 }, () => file))))

  const ended = new PassThrough()
  ended.end()
  await t.throwsAsync(log.send(ended, region!), { code: 'ECANCELED' })
  const failing = new Writable({ write: (_bytes, _encoding, done) => done(new Error('no')) })
  await t.throwsAsync(log.send(failing, region!), { message: 'no' })
  const stuck = () => new Writable({ write: () => undefined })
  const destroyed = stuck()
  const sending = log.send(destroyed, region!)
  destroyed.destroy()
  await t.throwsAsync(sending, { code: 'ECANCELED' })
  for (const to of [undefined, {}, 'text']) await t.throwsAsync(log.send(to as never, region!), { instanceOf: TypeError })
  for (const position of [0.5, -1, '0', NaN])
    await t.throwsAsync(log.send(through, { ...region!, position: position as number }), { instanceOf: RangeError })

  const busy = stuck()
  busy.write('first')
  const waiting = [log.send(stuck(), region!), log.send(busy, region!)]
  await Promise.all([directory.close(), ...waiting.map((one) => t.throwsAsync(one, { code: 'ECANCELED' }))])
  process.off('warning', warned)
  t.deepEqual(warnings, [])
})

test('a segment is sent from a folder that was just opened', async (t) => {
  const folder = await folderOf(t)
  const before = await LogDirectory.open(folder)
  await (await before.log('t')).append({ value })
  await before.close()
  await using directory = await LogDirectory.open(folder)
  const log = await directory.log('t')
  const [{ file, size }] = log.segments() as [SegmentInfo]
  const server = createServer((socket) => void log.send(socket, { file, position: 0, length: size }).finally(() => socket.end()))
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const got = await connect((server.address() as AddressInfo).port, '127.0.0.1').toArray()
  t.deepEqual(Buffer.concat(got), readFileSync(file))
})

test('what is sent to a socket without waiting goes in the order of the calls, and what is written meanwhile behind it', async (t) => {
  await using directory = await LogDirectory.open(await folderOf(t))
  const log = await directory.log('t')
  for (let i = 0; i < 20; i++) await log.append({ value: Buffer.alloc(500_000, i) })
  const [{ file, size }] = log.segments() as [SegmentInfo]
  const half = Math.floor(size / 2)
  const written = new EventEmitter()
  const server = createServer((socket) => {
    socket.write('before')
    const sends = [log.send(socket, { file, position: half, length: half }), log.send(socket, { file, position: 0, length: half })]
    socket.once('data', () => written.emit('done', socket.write('meanwhile')))
    void Promise.all(sends).then(() => socket.end('after'))
  })
  t.teardown(() => server.close())
  // A Unix socket takes much less at a time than what is sent.
  const at = path.join(path.dirname(directory.path), 'socket')
  await once(server.listen(at), 'listening')
  const client = connect(at)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of client as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    const begun = length <= 'before'.length
    length += chunk.length
    if (!begun || length <= 'before'.length) continue
    client.write('x')
    await once(written, 'done')
  }
  const bytes = readFileSync(file)
  const parts = ['before', bytes.subarray(half, 2 * half), 'meanwhile', bytes.subarray(0, half), 'after'].map((part) => Buffer.from(part))
  t.true(Buffer.concat(chunks).equals(Buffer.concat(parts)))
})

test('what waited behind a send that fails, fails with it', async (t) => {
  await using directory = await LogDirectory.open(await folderOf(t))
  const log = await directory.log('t')
  await log.append({ value })
  const [{ file, size }] = log.segments() as [SegmentInfo]
  const through = new PassThrough()
  const failing = log.send(through, { file: `${file}.gone`, position: 0, length: 1 })
  const behind = log.send(through, { file, position: 0, length: size })
  await t.throwsAsync(failing, { code: 'OFFSET_OUT_OF_RANGE' })
  await t.throwsAsync(behind, { code: 'OFFSET_OUT_OF_RANGE' })
  await log.send(through, { file, position: 0, length: size })
  t.deepEqual(through.read(), readFileSync(file))
})

test('all partitions of a topic have its id, made at the same time or after an opening', async (t) => {
  const folder = await folderOf(t)
  const made = async (...partitions: number[]) => {
    await using directory = await LogDirectory.open(folder)
    const logs = await Promise.all(partitions.map((partition) => directory.log('t', { partition })))
    await Promise.all(logs.map((log) => log.append({ value })))
  }
  await made(0, 1, 2)
  await made(3)
  const ids = [0, 1, 2, 3].map((partition) => readFileSync(path.join(folder, `t-${partition}`, 'partition.metadata'), 'utf8'))
  t.is(new Set(ids).size, 1)
})
