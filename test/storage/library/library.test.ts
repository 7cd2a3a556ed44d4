import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { crc32c } from '../../../src/record/crc32c.js'
import { LogDirectory, LogError, StorageError, buildBatch, decodeBatches, verifyFolder, type Log } from '../../../src/storage/index.js'

async function inFolder(t: ExecutionContext, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-library-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await work(folder)
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

test('what is appended is read, in the order of the calls, also after the folder was closed', (t) =>
  inFolder(t, async (folder) => {
    const directory = await LogDirectory.open(folder)
    const log = await directory.log('events')
    t.is(await directory.log('events'), log)
    const [one, two] = await Promise.all([log.append(text('a')), log.append([text('b'), text('c')])])
    t.deepEqual(
      [one, two],
      [
        { firstOffset: 0, lastOffset: 0 },
        { firstOffset: 1, lastOffset: 2 }
      ]
    )
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) await log.append([text('x'), text('y')], { compression })
    t.deepEqual(await values(log, { from: 1, to: 4 }), ['1:b', '2:c', '3:x'])
    t.is(log.endOffset, 11)
    await directory.close()
    await directory.close()
    await t.throwsAsync(log.append(text('late')), { name: 'StorageError' })

    const again = await LogDirectory.open(folder)
    t.deepEqual([...again.names()], [{ topic: 'events', partition: 0 }])
    t.is((await values(await again.log('events', { create: false }))).length, 11)
    await again.close()
    t.deepEqual(await verifyFolder(path.join(folder, 'events-0')), [])
  }))

test('timestamps, headers and keys come back as they were', (t) =>
  inFolder(t, async (folder) => {
    await using directory = await LogDirectory.open(folder)
    const log = await directory.log('events', { partition: 7 })
    const headers = [{ key: 'h', value: Buffer.from('1') }]
    await log.append([
      { key: Buffer.from('k'), value: null, headers, timestamp: 1000 },
      { value: Buffer.from('v'), timestamp: 3000 }
    ])
    const found = []
    for await (const record of log.records()) found.push(record)
    t.like(found[0], { offset: 0, timestamp: 1000, key: Buffer.from('k'), value: null, headers })
    t.like(await log.offsetForTimestamp(1500), { offset: 1, timestamp: 3000 })
    t.is(await log.offsetForTimestamp(3001), undefined)
    t.like(await log.offsetOfMaxTimestamp(), { offset: 1 })
  }))

test('a reader that follows gets what comes, and ends with its signal or with the directory', (t) =>
  inFolder(t, async (folder) => {
    const directory = await LogDirectory.open(folder)
    const log = await directory.log('events')
    const stop = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const { value } of log.records({ follow: stop.signal })) {
        seen.push(String(value))
        if (seen.length === 3) stop.abort()
      }
    })()
    for (const one of ['a', 'b', 'c']) await log.append(text(one))
    await reading
    t.deepEqual(seen, ['a', 'b', 'c'])
    const other = values(log, { from: 3, follow: new AbortController().signal })
    await directory.close()
    t.deepEqual(await other, [])
  }))

test('a refusal has the name that Kafka gives it, and changes nothing', (t) =>
  inFolder(t, async (folder) => {
    await using directory = await LogDirectory.open(folder)
    const log = await directory.log('events', { settings: { 'max.message.bytes': '1000' } })
    await refusal(t, log.append({ value: Buffer.alloc(2000) }), 'MESSAGE_TOO_LARGE')
    await refusal(t, log.appendBatch(Buffer.from('no batch')), 'INVALID_RECORD')
    await refusal(t, log.read(1), 'OFFSET_OUT_OF_RANGE')
    await refusal(t, log.deleteBefore(5), 'OFFSET_OUT_OF_RANGE')
    await refusal(t, directory.log('no such', { create: false }), 'INVALID_TOPIC_EXCEPTION')
    await refusal(t, directory.log('other', { create: false }), 'UNKNOWN_TOPIC_OR_PARTITION')
    await t.throwsAsync(directory.log('events', { settings: { 'segment.bytes': 'many' } }), { name: 'ConfigError' })
    await t.throwsAsync(LogDirectory.open(path.join(folder, 'x'), { settings: { 'no.such': '1', 'log.segment.byte': '2000000' } }), {
      name: 'ConfigError',
      message: 'Unknown settings of a folder: no.such, log.segment.byte (did you mean log.segment.bytes?)'
    })
    await t.throwsAsync(LogDirectory.open(folder), { name: 'ConfigError', message: /in use/ })
    t.is(log.endOffset, 0)
    const compacted = await directory.log('keys', { settings: { 'cleanup.policy': 'compact' } })
    await refusal(t, compacted.append(text('without key')), 'INVALID_RECORD')
  }))

test('a batch is written as it is, any number of times at once, and is not changed', (t) =>
  inFolder(t, async (folder) => {
    await using directory = await LogDirectory.open(folder)
    const value = randomBytes(100_000)
    for (const type of ['CreateTime', 'LogAppendTime']) {
      for (const compression of ['producer', 'lz4']) {
        const log = await directory.log(`${type}-${compression}`, {
          settings: { 'message.timestamp.type': type, 'compression.type': compression }
        })
        const batch = buildBatch([{ value }, { value: Buffer.from('end') }], { timestamp: 5 })
        const before = Buffer.from(batch)
        const appended = await Promise.all(Array.from({ length: 40 }, () => log.appendBatch(batch)))
        t.deepEqual(
          appended.map(({ firstOffset }) => firstOffset),
          Array.from({ length: 40 }, (_, at) => 2 * at)
        )
        t.deepEqual(batch, before)
        let offset = 0
        for await (const record of log.records()) {
          t.is(record.offset, offset)
          t.true(record.value?.equals(offset % 2 === 0 ? value : Buffer.from('end')))
          t.is(record.timestamp === 5, type === 'CreateTime')
          offset++
        }
        t.is(offset, 80)
      }
    }
    // A largest timestamp that the records contradict is put right, in the file.
    const log = await directory.log('contradicted')
    const batch = buildBatch([{ value }], { timestamp: 5 })
    batch.writeBigInt64BE(9n, 35)
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
    const before = Buffer.from(batch)
    await log.appendBatch(batch)
    t.deepEqual(batch, before)
    t.is((await log.read(0)).readBigInt64BE(35), 5n)
    t.deepEqual(await verifyFolder(path.join(folder, 'contradicted-0')), [])
  }))

test('an idempotent producer that repeats itself is written once', (t) =>
  inFolder(t, async (folder) => {
    await using directory = await LogDirectory.open(folder)
    const log = await directory.log('events')
    const producer = { id: 5, epoch: 0, sequence: 0 }
    const first = await log.append(text('once'), { producer })
    t.deepEqual(await log.append(text('once'), { producer }), first)
    await refusal(t, log.append(text('gap'), { producer: { ...producer, sequence: 9 } }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    t.is(log.endOffset, 1)
  }))

test('a log that was torn by a crash is recovered when it is opened', (t) =>
  inFolder(t, async (folder) => {
    const directory = await LogDirectory.open(folder)
    const log = await directory.log('events')
    await log.append(text('kept'))
    await directory.close()
    await rm(path.join(folder, '.kafka_cleanshutdown'))
    await appendFile(path.join(folder, 'events-0', '00000000000000000000.log'), buildBatch([text('torn')]).subarray(0, 40))
    await using again = await LogDirectory.open(folder)
    const recovered = await again.log('events')
    t.deepEqual(await values(recovered), ['0:kept'])
    t.is((await recovered.append(text('next'))).firstOffset, 1)
  }))

test('a log as simple as console is told of a partition that can not be opened', (t) =>
  inFolder(t, async (folder) => {
    const directory = await LogDirectory.open(folder)
    await directory.log('events')
    await directory.close()
    await writeFile(path.join(folder, 'events-0', 'partition.metadata'), 'version: 3\n')
    const lines: string[] = []
    const tell = (message: string): void => void lines.push(message)
    await using again = await LogDirectory.open(folder, { log: { debug: tell, info: tell, warn: tell, error: tell } })
    await t.throwsAsync(again.log('events'), { instanceOf: StorageError, message: /version is 3/ })
    t.regex(lines.join('\n'), /events-0 in .* can not be opened: .*version is 3/)
  }))

test('retention and deletion take whole segments, and files with them', (t) =>
  inFolder(t, async (folder) => {
    await using directory = await LogDirectory.open(folder)
    const settings = { 'segment.bytes': '1048576', 'retention.bytes': '1', 'file.delete.delay.ms': '0' }
    const log = await directory.log('events', { settings })
    for (let i = 0; i < 30; i++) await log.append({ value: Buffer.alloc(100_000) })
    t.is(log.segments().length, 3)
    t.is(await log.applyRetention(), 2)
    t.is(log.segments()[0]!.baseOffset, log.startOffset)
    await directory.delete('events')
    t.deepEqual([...directory.names()], [])
    const fresh = await directory.log('events')
    t.is(fresh.endOffset, 0)
    t.not(fresh, log)
  }))

/** The bytes that a peer gets. */
async function received(handle: (socket: Socket) => Promise<void>): Promise<Buffer> {
  const server = createServer((socket) => void handle(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const bytes = Buffer.concat(await connect(port, '127.0.0.1').toArray())
  server.close()
  return bytes
}

async function filled(directory: LogDirectory): Promise<Log> {
  const log = await directory.log('events', { settings: { 'segment.bytes': '1048576' } })
  for (let i = 0; i < 60; i++) void log.append({ value: Buffer.alloc(50_000, i) })
  await log.flush()
  return log
}

test('regions are the bytes of the files, and a socket gets them after what was written to it', (t) =>
  inFolder(t, async (folder) => {
    await using directory = await LogDirectory.open(folder)
    const log = await filled(directory)
    const regions = await log.regions(0)
    t.is(regions.length, 3)
    for (const most of [1e9, Infinity, Number.MAX_VALUE, log.sizeBytes - 0.5])
      t.deepEqual(await log.regions(0, most), regions, String(most))
    t.deepEqual(await log.regions(log.endOffset), [])
    const files = await Promise.all(
      regions.map(async ({ file, position, length }) => (await readFile(file)).subarray(position, position + length))
    )
    const expected = Buffer.concat([Buffer.from('head'), ...files, Buffer.from('tail')])
    t.is([...decodeBatches(Buffer.concat(files))].length, 60)
    const got = await received(async (socket) => {
      socket.write('head')
      for (const region of regions) await log.send(socket, region)
      socket.end('tail')
    })
    t.true(got.equals(expected))
    // A stream that is no socket gets the same by reading.
    const stream = new PassThrough()
    const reading = stream.toArray()
    for (const region of regions) await log.send(stream, region)
    stream.end()
    t.true(Buffer.concat((await reading) as Buffer[]).equals(Buffer.concat(files)))
    // A part of one.
    const [region] = await log.regions(30, 1)
    const part = { ...region!, position: region!.position + 61, length: 10 }
    t.is(
      (
        await received(async (socket) => {
          await log.send(socket, part)
          socket.end()
        })
      ).length,
      10
    )
    await t.throwsAsync(log.send(stream, { ...region!, length: 1e9 }), { instanceOf: RangeError })
    await refusal(t, log.send(stream, { ...region!, file: '/etc/passwd' }), 'OFFSET_OUT_OF_RANGE')
  }))

test('a peer that goes, a socket that is destroyed and a directory that is closed end what is being sent', (t) =>
  inFolder(t, async (folder) => {
    const directory = await LogDirectory.open(folder)
    const log = await filled(directory)
    const [region] = await log.regions(0, 1e9)
    const accepted: Socket[] = []
    const server = createServer((socket) => void accepted.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    // More than the buffers of a socket hold, to a peer that does not read.
    const stuck = async () => {
      const peer = connect({ port, host: '127.0.0.1' }).pause()
      await once(server, 'connection')
      const socket = accepted.at(-1)!
      const sending = (async () => {
        for (let i = 0; i < 100; i++) await log.send(socket, region!)
      })()
      sending.catch(() => undefined)
      await once(peer, 'readable')
      return { peer, socket, sending }
    }
    const gone = await stuck()
    gone.peer.resetAndDestroy()
    t.is((await t.throwsAsync<Error & { code: string }>(gone.sending))?.code, 'ECONNRESET')
    const destroyed = await stuck()
    destroyed.socket.destroy()
    t.is((await t.throwsAsync<Error & { code: string }>(destroyed.sending))?.code, 'ECANCELED')
    destroyed.peer.destroy()
    const last = await stuck()
    await directory.close()
    t.is((await t.throwsAsync<Error & { code: string }>(last.sending))?.code, 'ECANCELED')
    last.peer.destroy()
    for (const socket of accepted) socket.destroy()
    server.close()
    t.true((await readdir(folder)).includes('.kafka_cleanshutdown'))
  }))
