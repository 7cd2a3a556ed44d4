/** Reading, from the page cache: into memory, in order and at random; and to a socket, by each path that the engine has. */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, open } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { LogDirectory, type FileRegion, type Log } from '../../src/storage/index.js'
import type { Case } from '../lib/rounds.js'
import { KIB, MIB } from '../lib/units.js'
import { ANSWER_BYTES, DRAIN, type DrainRequest } from '../micro/drain.js'
import { pseudoRandom } from '../micro/suite.js'
import { batchOf, sizeText } from './append.js'
import { measuredLoop, Meter, type Measured } from './measure.js'
import type { Stage } from './stage.js'
import { openSluice, SLUICE } from './stores/sluice.js'
import type { Store, StoreOptions } from './stores/store.js'

export const PREAD = 'C++ pread'
const LOG_BYTES = 256 * MIB
const QUICK_LOG_BYTES = 32 * MIB
const SCAN_BYTES = MIB
const READS_BETWEEN_LOOKS = 16
const FILLED_AT_ONCE = 32

export function readCases(stage: Stage): Case[] {
  return [...(stage.quick ? [64 * KIB] : [4 * KIB, 64 * KIB]).flatMap((bytes) => memoryCases(stage, bytes)), ...socketCases(stage)]
}

/** Filled at the first use, and kept to the end. */
interface Filled {
  readonly store: Store
  readonly folder: string
  readonly values: number
  readonly valueBytes: number
}

function memoryCases(stage: Stage, batchBytes: number): Case[] {
  const { batch, records } = batchOf(batchBytes)
  const filled = (open: (options: StoreOptions) => Promise<Store>): (() => Promise<Filled>) => {
    let filling: Promise<Filled> | undefined
    return () => (filling ??= fill(stage, batch, open))
  }
  const ours = filled((options) => openSluice({ ...options, recordsPerBatch: records }))
  const stores = [
    { subject: SLUICE, filled: ours },
    ...stage.kinds.map((kind) => ({ subject: kind.name, filled: filled((options) => kind.open(options)) }))
  ]
  const name = `${sizeText(batchBytes)} batches`
  return (['in order', 'at random'] as const).flatMap((order) => {
    const common = { group: `read ${order}, into memory`, name, parameters: { batchBytes, order } }
    const read = order === 'in order' ? scanning : readingAtRandom
    const cases = stores.map(({ subject, filled }) => ({
      ...common,
      subject,
      run: async () => read(await filled(), stage.seconds, new Meter())
    }))
    const loop = async (): Promise<Measured> => {
      const file = path.join((await ours()).folder, 'bench-0', `${'0'.repeat(20)}.log`)
      const loops = await stage.loops()
      const random = order === 'at random'
      return measuredLoop(() => loops.read({ file, readBytes: random ? batch.length : SCAN_BYTES, seconds: stage.seconds, random }))
    }
    return [cases[0]!, { ...common, subject: PREAD, run: loop }, ...cases.slice(1)]
  })
}

async function fill(stage: Stage, batch: Buffer, open: (options: StoreOptions) => Promise<Store>): Promise<Filled> {
  const folder = await mkdtemp(path.join(stage.folder, 'read-'))
  const store = await open({ folder, logs: 1, policy: 'no flush' })
  stage.afterwards(() => store.close())
  const values = Math.floor((stage.quick ? QUICK_LOG_BYTES : LOG_BYTES) / batch.length)
  for (let at = 0; at < values; at += FILLED_AT_ONCE) {
    const count = Math.min(FILLED_AT_ONCE, values - at)
    await Promise.all(Array.from({ length: count }, () => store.append(0, [batch])))
  }
  return { store, folder, values, valueBytes: batch.length }
}

/** From the first value to the last, again and again. */
async function scanning({ store, valueBytes }: Filled, seconds: number, meter: Meter): Promise<Measured> {
  let bytes = 0
  await meter.count(async () => {
    const until = performance.now() + seconds * 1000
    while (performance.now() < until) {
      for await (const part of store.scan(0)) {
        bytes += part.length
        if (performance.now() >= until) break
      }
    }
  })
  return { figures: meter.figures(bytes, bytes / valueBytes), otherPercent: meter.otherPercent }
}

async function readingAtRandom({ store, values }: Filled, seconds: number, meter: Meter): Promise<Measured> {
  const random = pseudoRandom()
  let bytes = 0
  let count = 0
  await meter.count(async () => {
    const until = performance.now() + seconds * 1000
    do {
      for (let turn = 0; turn < READS_BETWEEN_LOOKS; turn++) {
        const value = store.read(0, random(values))
        bytes += (value instanceof Uint8Array ? value : await value).length
        count++
      }
    } while (performance.now() < until)
  })
  return { figures: { ...meter.figures(bytes, count), time: (meter.seconds / count) * 1e6 }, otherPercent: meter.otherPercent }
}

// ---------------------------------------------------------------- to a socket

/** `sluice.transfer.mode`, by the names of the subjects. */
const MODES = {
  auto: SLUICE,
  sendfile: `${SLUICE}, sendfile`,
  splice: `${SLUICE}, splice`,
  mmap: `${SLUICE}, mmap`,
  readwrite: `${SLUICE}, read/write`
} as const
const READ_WRITE = 'fs.read + socket.write'
const PIPE = 'createReadStream().pipe()'

interface Place {
  readonly position: number
  readonly length: number
}

/** A file, and how a part of it gets to a socket: resolves when the next may follow. */
interface Sender {
  readonly bytes: number
  send(socket: net.Socket, place: Place): Promise<unknown>
}

const SHAPES = [
  { name: 'in order, 1 MiB regions', regionBytes: MIB, random: false },
  { name: 'at random, 64 KiB regions', regionBytes: 64 * KIB, random: true }
] as const

function socketCases(stage: Stage): Case[] {
  const senders = new Map<string, () => Promise<Sender>>()
  for (const [mode, subject] of Object.entries(MODES))
    senders.set(
      subject,
      onceOnly(() => openMode(stage, mode))
    )
  const ours = senders.get(SLUICE)! as () => Promise<Sender & { readonly file: string }>
  senders.set(
    READ_WRITE,
    onceOnly(async () => readWriter(stage, await ours()))
  )
  senders.set(
    PIPE,
    onceOnly(async () => piper(await ours()))
  )
  const peer = onceOnly(() => openPeer(stage))
  return SHAPES.flatMap(({ name, regionBytes, random }) =>
    [...senders].map(([subject, sender]) => ({
      group: 'read, to a socket',
      name,
      subject,
      parameters: { regionBytes, order: random ? 'at random' : 'in order' },
      run: async () => sending(await sender(), await peer(), { regionBytes, random, seconds: stage.seconds })
    }))
  )
}

function onceOnly<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** Each mode has a log of its own: a folder is open once. */
async function openMode(stage: Stage, mode: string): Promise<Sender & { readonly file: string }> {
  const folder = await mkdtemp(path.join(stage.folder, 'send-'))
  const directory = await LogDirectory.open(folder, { settings: { 'sluice.transfer.mode': mode, 'log.segment.delete.delay.ms': '0' } })
  stage.afterwards(() => directory.close())
  const log = await directory.log('bench')
  const { batch } = batchOf(64 * KIB)
  const count = Math.floor(QUICK_LOG_BYTES / batch.length)
  await Promise.all(Array.from({ length: count }, () => log.appendBatch(batch)))
  const { file, size } = log.segments()[0]!
  return { file, bytes: size, send: (socket, place) => sendRegion(log, socket, { file, ...place }) }
}

function sendRegion(log: Log, socket: net.Socket, region: FileRegion): Promise<void> {
  return log.send(socket, region)
}

// The socket keeps a buffer until it is written: each region has its own.
async function readWriter(stage: Stage, { file, bytes }: Sender & { readonly file: string }): Promise<Sender> {
  const handle = await open(file, 'r')
  stage.afterwards(() => handle.close())
  const send = async (socket: net.Socket, { position, length }: Place): Promise<void> => {
    const { buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
    if (!socket.write(buffer)) await once(socket, 'drain')
  }
  return { bytes, send }
}

function piper({ file, bytes }: Sender & { readonly file: string }): Promise<Sender> {
  const send = async (socket: net.Socket, { position, length }: Place): Promise<void> => {
    const stream = createReadStream(file, { start: position, end: position + length - 1 })
    stream.pipe(socket, { end: false })
    await once(stream, 'end')
  }
  return Promise.resolve({ bytes, send })
}

/** The other end, a thread that takes what comes and answers when all of it has. */
interface Peer {
  /** A connection; `arrived` resolves when so many bytes have come. */
  connect(expected: number): Promise<{ socket: net.Socket; arrived: Promise<unknown> }>
}

async function openPeer(stage: Stage): Promise<Peer> {
  const worker = new Worker(new URL('../micro/drain.js', import.meta.url), { workerData: DRAIN })
  const server = net.createServer({ noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.afterwards(async () => {
    server.close()
    await worker.terminate()
  })
  const { port } = server.address() as net.AddressInfo
  return {
    async connect(expected) {
      const accepted = once(server, 'connection')
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage({ port, expected, checked: false } satisfies DrainRequest)
      const [socket] = (await accepted) as [net.Socket]
      return { socket, arrived: answer(socket) }
    }
  }
}

function answer(socket: net.Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = ANSWER_BYTES
    socket.on('data', (bytes: Buffer) => {
      missing -= bytes.length
      if (missing <= 0) resolve()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the peer has gone')))
  })
}

interface Sending {
  readonly regionBytes: number
  readonly random: boolean
  readonly seconds: number
}

/** Rounds over as many bytes as the file has: the time ends when all of them have arrived. */
async function sending(sender: Sender, peer: Peer, { regionBytes, random, seconds }: Sending): Promise<Measured> {
  const next = pseudoRandom()
  const regions = Math.floor(sender.bytes / regionBytes)
  const meter = new Meter()
  let count = 0
  while (meter.seconds < seconds) {
    const { socket, arrived } = await peer.connect(regions * regionBytes)
    try {
      await meter.count(async () => {
        for (let turn = 0; turn < regions; turn++) {
          await sender.send(socket, { position: (random ? next(regions) : turn) * regionBytes, length: regionBytes })
        }
        await arrived
      })
      count += regions
    } finally {
      arrived.catch(() => undefined)
      socket.destroy()
    }
  }
  return { figures: meter.figures(count * regionBytes, count), otherPercent: meter.otherPercent }
}
