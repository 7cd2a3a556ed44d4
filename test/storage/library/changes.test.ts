/** What a program does to a log besides appending: truncation, transactions, compaction, and what its readers see of them. */
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { LogDirectory, LogError, decodeBatches, verifyFolder, type Log, type Settings } from '../../../src/storage/index.js'

async function withLog(
  t: ExecutionContext,
  settings: Settings,
  work: (log: Log, reopen: () => Promise<Log>, folder: string) => Promise<void>
): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-library-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  let directory = await LogDirectory.open(folder)
  try {
    const reopen = async () => {
      await directory.close()
      directory = await LogDirectory.open(folder)
      return directory.log('events', { settings })
    }
    await work(await directory.log('events', { settings }), reopen, path.join(folder, 'events-0'))
  } finally {
    await directory.close()
  }
}

const text = (value: string): { value: Buffer } => ({ value: Buffer.from(value) })

async function values(log: Log, options: Parameters<Log['records']>[0] = {}): Promise<string[]> {
  const found: string[] = []
  for await (const { offset, value } of log.records(options)) found.push(`${offset}:${value?.toString()}`)
  return found
}

async function refusal(t: ExecutionContext, work: Promise<unknown>, code: LogError['code']): Promise<void> {
  t.is((await t.throwsAsync(work, { instanceOf: LogError }))?.code, code)
}

test('what is truncated is gone, also after the folder was closed, and its offsets are given again', (t) =>
  withLog(t, {}, async (log, reopen, folder) => {
    for (const one of ['a', 'b', 'c']) await log.append(text(one))
    await log.append([text('d'), text('e')])
    t.false(await log.truncateTo(5))
    t.true(await log.truncateTo(4))
    t.is(log.endOffset, 3, 'the batch of 4 goes as a whole')
    t.true(await log.truncateTo(1))
    t.deepEqual(await values(log), ['0:a'])
    await refusal(t, log.read(2), 'OFFSET_OUT_OF_RANGE')
    t.is((await log.append(text('f'))).firstOffset, 1)
    await t.throwsAsync(log.truncateTo(-1), { instanceOf: RangeError })
    await t.throwsAsync(log.truncateTo(0.5), { instanceOf: RangeError })
    const again = await reopen()
    await t.throwsAsync(log.truncateTo(0), { name: 'StorageError' })
    t.deepEqual(await values(again), ['0:a', '1:f'])
    t.true(await again.truncateTo(0))
    t.deepEqual([again.startOffset, again.endOffset], [0, 0])
    t.deepEqual(await verifyFolder(folder), [])
  }))

for (const [what, end] of [
  ['with a part of its segment', 1],
  ['with all of it', 0]
] as const) {
  test(`what is cut off is not sent any more: ${what}`, (t) =>
    withLog(t, { 'segment.bytes': '50000000' }, async (log) => {
      await log.append(text('first'))
      log.roll()
      for (let count = 0; count < 30; count++) await log.append({ value: Buffer.alloc(1_000_000) })
      // More than the system takes for a peer that does not read.
      const [region] = await log.regions(1, 100_000_000)
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
      const [socket] = (await once(server, 'connection')) as [Socket]
      const sent = log.send(socket, region!).finally(() => socket.destroy())
      await once(client, 'readable')
      t.true(await log.truncateTo(end))
      let bytes = 0
      client.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', () => undefined)
      await t.throwsAsync(sent, { name: 'StorageError' })
      t.true(bytes < region!.length)
      client.destroy()
      server.close()
    }))
}

test('a reader that follows goes on where the log was cut', (t) =>
  withLog(t, {}, async (log) => {
    for (const one of ['a', 'b', 'c', 'd']) await log.append(text(one))
    await log.append([text('e'), text('f')])
    const stop = new AbortController()
    const seen: string[] = []
    // One is at the end, one in the midst of a batch, one behind it in what it has read.
    const behind = log.records({ follow: stop.signal })
    const within = log.records({ from: 4, follow: stop.signal })
    t.is((await behind.next()).value?.offset, 0)
    t.is((await within.next()).value?.offset, 4)
    const following = (async () => {
      for await (const { offset, value } of log.records({ from: 5, follow: stop.signal })) seen.push(`${offset}:${value?.toString()}`)
    })()
    while (seen.length < 1) await new Promise(setImmediate)
    t.true(await log.truncateTo(2))
    for (const one of ['x', 'y', 'z']) await log.append(text(one))
    while (seen.length < 4) await new Promise(setImmediate)
    t.deepEqual(seen, ['5:f', '2:x', '3:y', '4:z'])
    for (const expected of ['1:b', '2:x', '3:y']) {
      const { value } = await behind.next()
      t.is(value && `${value.offset}:${value.value?.toString()}`, expected)
    }
    const { value } = await within.next()
    t.is(value && `${value.offset}:${value.value?.toString()}`, '2:x')
    stop.abort()
    await following
    await behind.return()
    await within.return()
  }))

test('with read_committed a reader sees what is committed, when it is', (t) =>
  withLog(t, { 'index.interval.bytes': '1' }, async (log, reopen) => {
    const append = (id: number, sequence: number, ...lines: string[]) =>
      log.append(lines.map(text), { producer: { id, epoch: 0, sequence, transactional: true } })
    const committed = { isolation: 'read_committed' } as const
    await log.append(text('plain'))
    const stop = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const { offset, value } of log.records({ ...committed, follow: stop.signal })) seen.push(`${offset}:${value?.toString()}`)
    })()
    await append(1, 0, 'one', 'two')
    await append(2, 0, 'lost')
    await log.append(text('behind'))
    t.deepEqual([log.lastStableOffset, log.endOffset], [1, 5])
    t.deepEqual(await values(log, committed), ['0:plain'])
    t.is((await values(log)).length, 5)
    t.is(await log.endTransaction({ id: 2, epoch: 0 }, 'abort'), 5)
    t.deepEqual(await values(log, committed), ['0:plain'], 'another one is open before it')
    t.is([...decodeBatches(await log.read(0, 1e6, committed))].length, 1)
    t.is((await log.read(1, 1e6, committed)).length, 0)
    t.is((await log.regions(0, 1e6, committed))[0]?.length, (await log.read(0, 1e6, committed)).length)
    t.deepEqual(await log.regions(1, 1e6, committed), [])
    t.deepEqual(await log.abortedTransactions(), [])
    t.is(await log.endTransaction({ id: 1, epoch: 0 }, 'commit'), 6)
    const all = ['0:plain', '1:one', '2:two', '4:behind']
    t.deepEqual(await values(log, committed), all)
    t.deepEqual(await values(log, { ...committed, from: 2, to: 4 }), ['2:two'])
    t.is((await log.regions(0, 1e6, committed))[0]?.length, log.sizeBytes)
    while (seen.length < 4) await new Promise(setImmediate)
    t.deepEqual(seen, all)
    const aborted = [{ producerId: 2, firstOffset: 3, lastOffset: 5, lastStableOffset: 1 }]
    t.deepEqual(await log.abortedTransactions(), aborted)
    t.deepEqual(await log.abortedTransactions(4, 5), aborted)
    t.deepEqual(await log.abortedTransactions(0, 3), [])
    await refusal(t, append(2, 9, 'gap'), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    await append(2, 1, 'next')
    await refusal(t, log.append(text('outside'), { producer: { id: 2, epoch: 0, sequence: 2 } }), 'INVALID_TXN_STATE')
    stop.abort()
    await following
    const again = await reopen()
    t.is(again.lastStableOffset, 7)
    t.deepEqual(await again.abortedTransactions(), aborted)
    // The end is cut off: the first transaction is open again.
    await again.truncateTo(6)
    t.deepEqual([again.lastStableOffset, await values(again, committed)], [1, ['0:plain']])
    await again.endTransaction({ id: 1, epoch: 0 }, 'abort')
    t.deepEqual(await values(again, committed), ['0:plain', '4:behind'])
  }))

test('a flush waits for the appends of before, refused ones among them, and for none that come later', (t) =>
  withLog(t, {}, async (log) => {
    const refused = refusal(t, log.appendBatch(Buffer.alloc(100)), 'INVALID_RECORD')
    const first = log.append(text('first'), { compression: 'gzip' })
    const flushed = new AbortController()
    const appending = (async () => {
      while (!flushed.signal.aborted) await log.append(text('more'))
    })()
    await log.flush()
    flushed.abort()
    t.true(log.durableOffset > (await first).lastOffset)
    await Promise.all([refused, appending])
  }))

test('compaction keeps the last record of each key, and readers go over the gaps', (t) =>
  withLog(t, { 'cleanup.policy': 'compact', 'file.delete.delay.ms': '0' }, async (log, reopen, folder) => {
    t.is(await log.compact(), undefined, 'there is nothing')
    for (let i = 0; i < 100; i++)
      void log.append({ key: Buffer.from(`k${i % 10}`), ...text(String(i)) }, i % 2 ? { compression: 'gzip' } : {})
    await log.flush()
    t.deepEqual([log.endOffset, log.durableOffset], [100, 100], 'a flush waits for what is under way')
    t.is(await log.compact(), undefined, 'the segment that is written to is left alone')
    const all = new Map<string, string>()
    for await (const { key, value } of log.records()) all.set(String(key), String(value))
    log.roll()
    const [done, twice] = await Promise.all([log.compact(), log.compact()])
    t.like(done, { endOffset: 100, recordsRead: 100, recordsKept: 10, segmentsBefore: 1, segmentsAfter: 1 })
    t.true(done!.bytesAfter < done!.bytesBefore)
    t.is(twice, undefined)
    const left = new Map<string, string>()
    for await (const { key, value } of log.records()) left.set(String(key), String(value))
    t.deepEqual([...left].toSorted(), [...all].toSorted())
    t.is((await values(log)).length, 10)
    const first = (await values(log))[0]!
    const gap = Number(first.split(':')[0])
    t.true(gap > 5)
    t.deepEqual(await values(log, { from: 1, to: gap }), [])
    t.deepEqual(await values(log, { from: 1, to: gap + 1 }), [first])
    const again = await reopen()
    t.is((await values(again)).length, 10)
    await again.truncateTo(gap + 1)
    t.deepEqual(await values(again), [first])
    t.is((await again.append({ key: Buffer.from('new'), ...text('!') })).firstOffset, gap + 1)
    t.deepEqual(await verifyFolder(folder, { gaps: true }), [])
  }))

/** Names, contents and times of change of all files below a folder. */
async function stateOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const file = path.join(entry.parentPath, entry.name)
        return `${file} ${(await stat(file)).mtimeMs} ${(await readFile(file)).toString('hex')}`
      })
  )
}

test('a folder that is only read is left as it is, torn or not', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-library-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const readOnly = { readOnly: true }
  await t.throwsAsync(LogDirectory.open(path.join(folder, 'none'), readOnly), { name: 'ConfigError' })
  const written = await LogDirectory.open(folder)
  const first = await written.log('events', { settings: { 'segment.bytes': '1048576' } })
  for (let i = 0; i < 30; i++) void first.append({ value: Buffer.alloc(100_000, i) })
  await first.flush()
  const expected = await values(first)
  await t.throwsAsync(LogDirectory.open(folder, readOnly), { name: 'ConfigError', message: /in use/ })
  await written.close()
  for (const torn of [false, true]) {
    if (torn) {
      await rm(path.join(folder, '.kafka_cleanshutdown'))
      await rm(first.segments().at(-1)!.file.replace(/log$/, 'index'))
      await appendFile(first.segments().at(-1)!.file, Buffer.alloc(100, 1))
    }
    const before = await stateOf(folder)
    const directory = await LogDirectory.open(folder, readOnly)
    t.deepEqual([...directory.names()], [{ topic: 'events', partition: 0 }])
    const log = await directory.log('events')
    t.deepEqual(await values(log), expected)
    t.is(
      (await log.regions(0, 1e9)).reduce((sum, { length }) => sum + length, 0),
      log.sizeBytes
    )
    const stream = new PassThrough()
    const sent = stream.toArray()
    for (const region of await log.regions(0, 1e9)) await log.send(stream, region)
    stream.end()
    t.is([...decodeBatches(Buffer.concat((await sent) as Buffer[]))].length, 30)
    await refusal(t, log.append(text('more')), 'POLICY_VIOLATION')
    await refusal(t, log.endTransaction({ id: 1, epoch: 0 }, 'abort'), 'POLICY_VIOLATION')
    await refusal(t, log.truncateTo(0), 'POLICY_VIOLATION')
    await refusal(t, log.deleteBefore(5), 'POLICY_VIOLATION')
    await refusal(t, log.applyRetention(), 'POLICY_VIOLATION')
    await refusal(t, log.compact(), 'POLICY_VIOLATION')
    await refusal(t, directory.delete('events'), 'POLICY_VIOLATION')
    await refusal(t, directory.log('other'), 'UNKNOWN_TOPIC_OR_PARTITION')
    t.throws(() => log.roll(), { instanceOf: LogError })
    await log.flush()
    await directory.close()
    t.deepEqual(await stateOf(folder), before)
  }
})

test('only a log whose cleanup.policy says so is compacted', (t) =>
  withLog(t, {}, async (log) => {
    await log.append(text('without a key'))
    log.roll()
    await refusal(t, log.compact(), 'INVALID_CONFIG')
    t.deepEqual(await values(log), ['0:without a key'])
  }))
