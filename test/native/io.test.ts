/** The native network half through the addon: framing, order, transfer paths, limits, and ends of all kinds. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import test from 'ava'
import { CloseReason, IO_COUNTERS, IoCounter, TransferMode } from '../../src/native/numbers.js'
import { Runtime } from '../../src/native/runtime.js'
import { Client, IO, TestBroker, frameOf } from './io-support.js'

test('frames cut at every boundary, pipelined and large ones come back whole and in order', async (t) => {
  const broker = new TestBroker()
  const client = await Client.connect(broker.port)
  const stream = Buffer.concat(['', 'E', 'E-two', 'E-three'].map(frameOf))
  for (let cut = 1; cut < stream.length; cut++) {
    client.socket.write(stream.subarray(0, cut))
    await new Promise((resolve) => setImmediate(resolve))
    client.socket.write(stream.subarray(cut))
    t.deepEqual(await client.read(stream.length), stream)
  }
  const bodies = [10, 70_000, 3, 65_536, 65_537, 5_000_000, 1].map((length) => Buffer.concat([Buffer.from('E'), randomBytes(length)]))
  client.socket.write(Buffer.concat(bodies.map(frameOf)))
  for (const body of bodies) t.true((await client.response()).equals(body))
  client.socket.destroy()
  await broker.until(() => broker.closed.length === 1)
  t.is(broker.closed[0]!.reason, CloseReason.peer)
  t.is(broker.closed[0]!.sent, broker.closed[0]!.received)
  t.is(broker.counters()[IoCounter.frameMemoryBytes], 0)
  await broker.stop()
})

test('every transfer mode gives the same bytes and counts them', async (t) => {
  const broker = new TestBroker()
  const content = randomBytes(6_000_000)
  await broker.useSegment(content)
  const client = await Client.connect(broker.port)
  const counterOf = {
    [TransferMode.sendfile]: IoCounter.sendfileBytes,
    [TransferMode.splice]: IoCounter.spliceBytes,
    [TransferMode.mmap]: IoCounter.mmapBytes,
    [TransferMode.readwrite]: IoCounter.readwriteBytes
  }
  for (const inlineBelowBytes of [0, 131_072]) {
    for (const mode of Object.values(TransferMode)) {
      broker.runtime.native.ioTransfer({ mode, copyBelowBytes: 32_768, inlineBelowBytes })
      const before = broker.counters()
      let bytes = 0
      for (const [position, length] of [
        [0, 1],
        [1, 31_000],
        [4097, 100_000],
        [17, 5_999_983],
        [5_999_999, 1]
      ] as const) {
        t.true((await client.request(`F ${position} ${length}`)).equals(content.subarray(position, position + length)))
        bytes += length
      }
      const after = broker.counters()
      if (mode !== TransferMode.auto) t.is(after[counterOf[mode]]! - before[counterOf[mode]]!, bytes)
      t.is(after[IoCounter.headerBytes]! - before[IoCounter.headerBytes]!, 20)
      t.is(after[IoCounter.regions]! - before[IoCounter.regions]!, 5)
    }
  }
  const counters = broker.counters()
  const sum = (...indexes: number[]): number => indexes.reduce((total, index) => total + counters[index]!, 0)
  const moved = sum(IoCounter.sendfileBytes, IoCounter.spliceBytes, IoCounter.mmapBytes, IoCounter.readwriteBytes)
  t.is(counters[IoCounter.bytesSent], moved + counters[IoCounter.headerBytes]!)
  t.is(sum(IoCounter.residentBytes, IoCounter.freshBytes, IoCounter.readInBytes), moved)
  const ofListener = new Float64Array(IO_COUNTERS)
  broker.runtime.native.ioCounters(ofListener, broker.listener)
  t.deepEqual(ofListener, counters)
  t.throws(() => broker.runtime.native.ioCounters(ofListener, 99), { instanceOf: RangeError })
  client.socket.destroy()
  await broker.stop()
})

test('a region above 2 GiB arrives whole', async (t) => {
  const broker = new TestBroker()
  const size = 2 ** 31 + 100_000_000
  await broker.useSegment(size)
  const socket = net.connect({
    port: broker.port,
    host: '127.0.0.1',
    onread: { buffer: Buffer.alloc(1 << 20), callback: (bytes) => ((received += bytes), true) }
  })
  let received = 0
  await once(socket, 'connect')
  broker.runtime.native.ioPause(0) // an unknown connection: no harm
  socket.write(frameOf('E'))
  await broker.until(() => broker.seen.length === 1)
  const connection = broker.seen[0]!
  const tail = 50_000_000
  const regions = new Float64Array([0, broker.segment, 0, size, 8, broker.segment, size - tail, tail])
  const unsent = broker.runtime.native.ioSend(connection, Buffer.alloc(8), 8, regions, 2)
  t.true(unsent > 2 ** 31)
  t.true(broker.runtime.native.ioClose(connection, true))
  socket.on('end', () => {})
  await once(socket, 'close')
  t.is(received, size + tail + 8 + 5)
  await broker.stop()
})

test('a reader that never reads, and one killed in the middle of 1 GiB, hold up nobody', async (t) => {
  const broker = new TestBroker({ threads: 1, maxUnsentBytes: 1024 })
  await broker.useSegment(2 ** 30)
  const [lazy, killed, lively] = await Promise.all([Client.connect(broker.port), Client.connect(broker.port), Client.connect(broker.port)])
  for (const client of [lazy, killed]) {
    client.socket.pause()
    client.socket.write(frameOf(`F 0 ${2 ** 30}`))
    client.socket.write(frameOf('E'))
  }
  await broker.until(() => broker.framesHandled >= 2)
  for (let i = 0; i < 100; i++) t.is((await lively.request(`E${i}`)).toString(), `E${i}`)
  killed.socket.destroy()
  await broker.until(() => broker.closed.length === 1)
  t.true(broker.closed[0]!.sent < 2 ** 30)
  t.is(broker.closed[0]!.reason, CloseReason.reset)
  lazy.socket.destroy()
  lively.socket.destroy()
  await broker.stop()
})

test('frames that are held stop the reading; released, it goes on', async (t) => {
  const broker = new TestBroker({ maxUnreleasedFrames: 4 })
  const client = await Client.connect(broker.port)
  const body = Buffer.alloc(200_000, 'H')
  for (let i = 0; i < 40; i++) client.socket.write(frameOf(body))
  await broker.until(() => broker.framesHandled >= 4)
  const answered = client.request('E') // behind the others
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.is(broker.framesHandled, 4)
  t.true(broker.counters()[IoCounter.readPauses]! > 0)
  while (broker.framesHandled < 41) {
    for (const frame of broker.held.splice(0)) broker.runtime.release(frame)
    const before = broker.framesHandled
    await broker.until(() => broker.framesHandled > before)
  }
  t.is((await answered).toString(), 'E')
  for (const frame of broker.held.splice(0)) broker.runtime.release(frame)
  t.is(broker.counters()[IoCounter.frameMemoryBytes], 0)
  client.socket.destroy()
  await broker.stop()
})

test('ioPause and ioResume stop and resume the reading', async (t) => {
  const broker = new TestBroker()
  const client = await Client.connect(broker.port)
  await client.request('E')
  const connection = broker.seen[0]!
  broker.runtime.native.ioPause(connection)
  // Commands to a thread are obeyed in order: when a second connection's pause has had an effect, so has the first's.
  await new Promise((resolve) => setTimeout(resolve, 20))
  client.socket.write(frameOf('E2'))
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.is(broker.framesHandled, 1)
  broker.runtime.native.ioResume(connection)
  t.is((await client.response()).toString(), 'E2')
  const peer = broker.runtime.native.ioPeer(connection)
  t.is(peer?.local, `127.0.0.1:${broker.port}`)
  t.is(peer?.remote, `127.0.0.1:${client.socket.localPort}`)
  client.socket.destroy()
  await broker.until(() => broker.closed.length === 1)
  t.is(broker.runtime.native.ioPeer(connection), undefined)
  t.is(broker.runtime.native.ioSend(connection, Buffer.alloc(4), 4, new Float64Array(0), 0), -1)
  t.false(broker.runtime.native.ioClose(connection, false))
  await broker.stop()
})

test('bad length prefixes and connections beyond the limit per address end with their reason', async (t) => {
  const broker = new TestBroker({ maxFrameBytes: 1000, maxConnectionsPerAddress: 3 })
  for (const prefix of [-1, 1001, 0x7fffffff]) {
    const client = await Client.connect(broker.port)
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(prefix)
    client.socket.write(bytes)
    await client.closed()
  }
  await broker.until(() => broker.closed.length === 3)
  t.true(broker.closed.every(({ reason, received }) => reason === CloseReason.badFrameLength && received === 4))
  const clients = [await Client.connect(broker.port), await Client.connect(broker.port), await Client.connect(broker.port)]
  await broker.until(() => broker.opened === 6)
  const refused = await Client.connect(broker.port)
  await refused.closed()
  await broker.until(() => broker.closed.length === 4)
  t.is(broker.closed[3]!.reason, CloseReason.tooManyFromAddress)
  for (const client of clients) client.socket.destroy()
  await broker.stop()
})

test('an idle connection is closed, one that waits for a response is not', async (t) => {
  const broker = new TestBroker({ maxIdleMs: 200 })
  const waiting = await Client.connect(broker.port)
  waiting.socket.write(frameOf('H')) // held: as a long poll
  const quiet = await Client.connect(broker.port)
  await quiet.closed()
  await broker.until(() => broker.closed.length === 1)
  t.is(broker.closed[0]!.reason, CloseReason.idle)
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.false(waiting.ended)
  for (const frame of broker.held.splice(0)) broker.runtime.release(frame)
  broker.echo(broker.seen[0]!, Buffer.from('late'))
  t.is((await waiting.response()).toString(), 'late')
  await waiting.closed()
  await broker.stop()
})

test('connections beyond max.connections wait until one closes', async (t) => {
  const broker = new TestBroker({ maxConnections: 1 })
  const first = await Client.connect(broker.port)
  await first.request('E')
  const second = await Client.connect(broker.port)
  const answer = second.request('E2')
  await first.request('E')
  t.is(broker.opened, 1)
  first.socket.destroy()
  t.is((await answer).toString(), 'E2')
  second.socket.destroy()
  await broker.stop()
})

test('claims of large frames cost nothing, and partial ones only what arrived', async (t) => {
  const broker = new TestBroker()
  const clients = await Promise.all(Array.from({ length: 500 }, () => Client.connect(broker.port)))
  const before = process.memoryUsage().rss
  const claim = Buffer.alloc(4)
  claim.writeInt32BE(100 * 1024 * 1024)
  for (const client of clients) client.socket.write(claim)
  const first = Buffer.concat([claim, Buffer.alloc(1000)])
  const partial = await Promise.all(Array.from({ length: 100 }, () => Client.connect(broker.port)))
  for (const client of partial) client.socket.write(first)
  const lively = await Client.connect(broker.port)
  t.is((await lively.request('E')).toString(), 'E')
  while (broker.counters()[IoCounter.bytesReceived]! < 500 * 4 + 100 * 1004 + 5) await new Promise((resolve) => setImmediate(resolve))
  t.is(broker.counters()[IoCounter.frameMemoryBytes], 100 * 1000)
  t.true(process.memoryUsage().rss - before < 40 * 1024 * 1024)
  for (const client of [...clients, ...partial, lively]) client.socket.destroy()
  await broker.until(() => broker.closed.length === 601)
  t.is(broker.counters()[IoCounter.frameMemoryBytes], 0)
  await broker.stop()
})

test('frame memory that partial frames use up is won back from the one that stalled first', async (t) => {
  const broker = new TestBroker({}, { frameMemoryBytes: 8 * 1024 * 1024 })
  const claim = Buffer.alloc(4)
  claim.writeInt32BE(10 * 1024 * 1024)
  const stalled = await Client.connect(broker.port)
  stalled.socket.write(Buffer.concat([claim, Buffer.alloc(7 * 1024 * 1024)]))
  while (broker.counters()[IoCounter.frameMemoryBytes]! < 7 * 1024 * 1024) await new Promise((resolve) => setImmediate(resolve))
  const other = await Client.connect(broker.port)
  t.is((await other.request('E small ones go on')).toString(), 'E small ones go on')
  const large = Buffer.alloc(3 * 1024 * 1024, 'E')
  t.true((await other.request(large)).equals(large))
  await stalled.closed()
  t.is(broker.closed[0]!.reason, CloseReason.memoryPressure)
  other.socket.destroy()
  await broker.stop()
})

test('listening: ports in use, IPv6 that takes IPv4, no host names, a freed port', async (t) => {
  const broker = new TestBroker()
  const { native } = broker.runtime
  t.is(native.ioListen('127.0.0.1', broker.port, 10), -98)
  t.is(native.ioListen('localhost', 0, 10), -22)
  const both = native.ioListen('::', 0, 10)
  if (Array.isArray(both)) {
    const client = await Client.connect(both[1])
    t.is((await client.request('E')).toString(), 'E')
    t.is(native.ioPeer(broker.seen[0]!)?.remote, `127.0.0.1:${client.socket.localPort}`)
    client.socket.destroy()
  }
  native.ioUnlisten(broker.listener)
  t.throws(() => native.ioUnlisten(broker.listener), { instanceOf: RangeError })
  t.true(Array.isArray(native.ioListen('127.0.0.1', broker.port, 10)))
  await broker.stop()
})

test('ioStop sends what is queued, and only ends what is late by force', async (t) => {
  const broker = new TestBroker()
  await broker.useSegment(64 * 1024 * 1024)
  const reading = await Client.connect(broker.port)
  reading.socket.pause()
  reading.socket.write(frameOf(`F 0 ${64 * 1024 * 1024}`))
  await broker.until(() => broker.framesHandled === 1)
  const stopped = broker.stop(20_000)
  reading.socket.resume()
  t.is((await reading.response()).length, 64 * 1024 * 1024)
  await stopped
  t.is(broker.closed[0]!.reason, CloseReason.local)

  const late = new TestBroker()
  await late.useSegment(64 * 1024 * 1024)
  const never = await Client.connect(late.port)
  never.socket.pause()
  never.socket.write(frameOf(`F 0 ${64 * 1024 * 1024}`))
  await late.until(() => late.framesHandled === 1)
  await late.stop(100)
  t.true(late.closed[0]!.sent < 64 * 1024 * 1024)
  never.socket.destroy()
})

test('several runtimes in one process; misuse gives exceptions', async (t) => {
  const brokers = [new TestBroker(), new TestBroker(), new TestBroker({ threads: 3 })]
  for (const broker of brokers) {
    const client = await Client.connect(broker.port)
    t.is((await client.request('E')).toString(), 'E')
    client.socket.destroy()
  }
  const { native } = brokers[0]!.runtime
  const wrong = (call: () => unknown, instanceOf: typeof Error): unknown => t.throws(call, { instanceOf })
  wrong(() => native.releaseFrame(12345), RangeError)
  wrong(() => native.releaseFrame('x' as never), TypeError)
  wrong(() => native.slab(99_999), RangeError)
  wrong(() => native.poll(new Float64Array(3)), RangeError)
  wrong(() => native.poll([] as never), TypeError)
  wrong(() => native.ioStart(IO), Error)
  wrong(() => native.ioSend(1, Buffer.alloc(3), 4, new Float64Array(0), 0), RangeError)
  wrong(() => native.ioSend(1, Buffer.alloc(3), 3, new Float64Array(3), 1), RangeError)
  wrong(() => native.ioSend(1, Buffer.alloc(3), 3, new Float64Array([0, 77, 0, 1]), 1), RangeError)
  wrong(() => native.ioTransfer({ mode: 9, copyBelowBytes: 0, inlineBelowBytes: 0 }), RangeError)
  wrong(() => (Runtime.prototype.release as (this: unknown, frame: unknown) => void).call(brokers[0]!.runtime, { id: -1 }), RangeError)
  wrong(() => native.poll.call({} as never, new Float64Array(6)), TypeError)
  await Promise.all(brokers.map((broker) => broker.stop()))
  wrong(() => native.poll(new Float64Array(6)), Error)
  native.close() // idempotent
})
