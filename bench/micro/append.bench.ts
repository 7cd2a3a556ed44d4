/**
 * Appending a batch to a log, up to the page cache: our log (which checks the batch with its CRC and records, assigns offsets and keeps the
 * indexes), our segment alone (which writes it and keeps the indexes), and what Node offers to write bytes behind bytes (which does no more
 * than that). One at a time, each waited for; and 64 at once (of the largest 8), as a broker meets them.
 *
 * Every measurement begins with an empty file, and goes on in another when so much has been written: page cache that was never used before can
 * cost many times what used memory does (a virtual machine gets it from its host only then), and no file may be larger than what was warmed.
 * Nothing is flushed: durability costs the disk's time, whoever asks for it.
 */
import { once } from 'node:events'
import { close as closeFile, createWriteStream, open as openFile, write, writev, type WriteStream } from 'node:fs'
import { appendFile, mkdir, open as openHandle, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../src/clock.js'
import { loadBrokerConfig, resolveTopicConfig } from '../../src/config/index.js'
import type { Logger } from '../../src/log.js'
import { type Frame, Runtime } from '../../src/native/runtime.js'
import { NativeSegment, Strand } from '../../src/native/segment.js'
import { recordCount } from '../../src/record/batch.js'
import { buildBatch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { LogManager } from '../../src/storage/log-manager.js'
import { MIB } from '../lib/units.js'
import { randomBytes, type Comparison, type OpenSuite, type Subject, type Suite } from './suite.js'

const AT_ONCE = 64
const SIZES = [
  [1024, '1 KiB', AT_ONCE],
  [65_536, '64 KiB', AT_ONCE],
  [1_000_000, '1 MB', 8]
] as const
const RECORD_BYTES = 1000
const FILE_BYTES = 256 * MIB
const WARM_BYTES = 2 * FILE_BYTES
const SEGMENT_BYTES = 0x7fffffff
const INDEX_BYTES = 10 * MIB
const INDEX_INTERVAL_BYTES = 4096
const TOPIC_ID = 'ZzRKCMH6RiOrZrm6jFyUaw'

/** A place to append to. `one` resolves when the bytes of the batch are in the page cache; `many` when those of several are, as many as at once. */
interface Target {
  readonly name: string
  /** Makes it anew, empty. */
  readonly begin: () => Promise<void>
  readonly one?: () => Promise<unknown>
  readonly many?: () => Promise<unknown>
}

async function open(folder: string): Promise<OpenSuite> {
  const closers: (() => Promise<void>)[] = []
  const comparisons: Comparison[] = []
  const engine = await startEngine(path.join(folder, 'logs'))
  for (const [bytes, name, atOnce] of SIZES) {
    const batch = batchOf(bytes)
    const own = path.join(folder, String(bytes))
    await mkdir(own)
    const targets = [ourLog(engine, batch, atOnce), ourSegment(engine, own, batch, atOnce), ...nodeTargets(own, batch, atOnce, closers)]
    const compare = (group: string, operations: number, pick: (target: Target) => (() => Promise<unknown>) | undefined): void => {
      const subjects: Subject[] = []
      for (const target of targets) {
        const append = pick(target)
        if (append !== undefined) subjects.push(bounded(target, operations * batch.length, append))
      }
      comparisons.push({
        group,
        name: `${name} batches`,
        parameters: { bytes: batch.length, inFlight: operations },
        operations,
        bytes,
        subjects
      })
    }
    compare('append, one at a time', 1, ({ one }) => one)
    compare(`append, ${atOnce} at once`, atOnce, ({ many }) => many)
  }
  const close = async (): Promise<void> => {
    for (const one of closers) await one()
    await engine.stop()
  }
  return { comparisons, leftOut: [], warm: () => warm(path.join(folder, 'warm')), close }
}

function bounded({ name, begin }: Target, bytes: number, append: () => Promise<unknown>): Subject {
  let written = 0
  const reset = async (): Promise<void> => {
    await begin()
    written = 0
  }
  const run = async (): Promise<unknown> => {
    if (written >= FILE_BYTES) await reset()
    written += bytes
    return append()
  }
  return { name, reset, run }
}

/** Takes the memory that files will need from the host. */
async function warm(fileName: string): Promise<void> {
  const chunk = Buffer.alloc(4 * MIB)
  const file = await openHandle(fileName, 'w')
  for (let written = 0; written < WARM_BYTES; written += chunk.length) await file.write(chunk)
  await file.close()
  await rm(fileName)
}

/** A batch of about so many bytes. */
function batchOf(bytes: number): Buffer {
  const value = randomBytes(Math.min(RECORD_BYTES, bytes - 100))
  const count = Math.max(1, Math.floor(bytes / (value.length + 20)))
  return buildBatch(
    Array.from({ length: count }, () => ({ value })),
    { timestamp: Date.now() }
  )
}

// ---------------------------------------------------------------- ours

interface Engine {
  readonly runtime: Runtime
  /** An empty log, instead of the one before. */
  newLog(): Promise<Log>
  stop(): Promise<void>
}

async function startEngine(dir: string): Promise<Engine> {
  const { config } = loadBrokerConfig({ 'log.segment.bytes': String(SEGMENT_BYTES) })
  const topicConfig = resolveTopicConfig(config, new Map([['file.delete.delay.ms', '0']]))
  const runtime = new Runtime()
  const manager = await LogManager.open({
    dirs: [dir],
    runtime,
    clock: systemClock(),
    log: QUIET,
    config,
    topicConfig: () => topicConfig,
    nodeId: 1
  })
  let number = 0
  const newLog = async (): Promise<Log> => {
    await manager.delete(`bench-${number++}`, 0)
    return manager.create(`bench-${number}`, 0, TOPIC_ID, topicConfig)
  }
  const stop = async (): Promise<void> => {
    await manager.close()
    await runtime.close()
  }
  return { runtime, newLog, stop }
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {}, limited: () => QUIET }

/** As produced batches arrive: each in a frame of its own. */
function ourLog(engine: Engine, batch: Buffer, atOnce: number): Target {
  const frames = framesOf(engine.runtime, batch, atOnce)
  let log: Log
  const append = async (frame: Frame): Promise<number> => {
    const result = await log.append({ frame, offset: 0, length: batch.length, origin: 'client', leaderEpoch: 0 })
    if (result.errorCode !== 0) throw new Error(`the log refuses the batch: ${result.errorMessage ?? result.errorCode}`)
    return batch.length
  }
  return {
    name: 'Sluice',
    begin: async () => {
      log = await engine.newLog()
    },
    one: () => append(frames[0]!),
    many: async () => sum(await Promise.all(frames.map(append)))
  }
}

function ourSegment({ runtime }: Engine, folder: string, batch: Buffer, atOnce: number): Target {
  const frames = framesOf(runtime, batch, atOnce)
  const strand = new Strand(runtime)
  let segment: NativeSegment | undefined
  let offset = 0
  let files = 0
  const append = (frame: Frame): Promise<number> =>
    new Promise((resolve, reject) => {
      segment!.append(strand, frame, 0, batch.length, offset, 0, (status) => {
        if (status < 0) reject(new Error(`appending to the segment failed: ${status}`))
        else resolve(batch.length)
      })
      offset += recordCount(batch, 0)
    })
  return {
    name: 'Sluice, the segment alone',
    begin: async () => {
      segment?.close()
      const own = path.join(folder, `segment-${files++}`)
      await rm(path.join(folder, `segment-${files - 2}`), { recursive: true, force: true })
      await mkdir(own)
      offset = 0
      const options = { baseOffset: 0, size: -1, indexBytes: INDEX_BYTES, indexIntervalBytes: INDEX_INTERVAL_BYTES }
      segment = new NativeSegment(runtime, path.join(own, '00000000000000000000'), options)
      await segment.prepare(strand)
    },
    one: () => append(frames[0]!),
    many: async () => sum(await Promise.all(frames.map(append)))
  }
}

const framesOf = (runtime: Runtime, batch: Buffer, count: number): Frame[] => Array.from({ length: count }, () => runtime.frameFrom(batch))
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

// ---------------------------------------------------------------- Node's

function nodeTargets(folder: string, batch: Buffer, atOnce: number, closers: (() => Promise<void>)[]): Target[] {
  const many = Array.from({ length: atOnce }, () => batch)
  let file = -1
  let at = 0
  let stream: WriteStream | undefined
  let handle: FileHandle | undefined
  const fileName = path.join(folder, 'file')
  const end = async (): Promise<void> => {
    if (file >= 0) await promisify(closeFile)(file)
    await handle?.close()
    stream?.destroy()
    if (stream !== undefined && !stream.closed) await once(stream, 'close')
    file = -1
    handle = undefined
    stream = undefined
    await rm(fileName, { force: true })
  }
  closers.push(end)
  const begins = (make: () => Promise<void>) => async (): Promise<void> => {
    await end()
    at = 0
    await make()
  }
  const opensFile = begins(async () => {
    file = await promisify(openFile)(fileName, 'w')
  })
  const opensHandle = begins(async () => {
    handle = await openHandle(fileName, 'w')
  })
  // The position is counted by the writer, as in a log: so writes may overlap.
  const next = (bytes: number): number => (at += bytes) - bytes
  const writeOne = (): Promise<number> =>
    new Promise((resolve, reject) => {
      write(file, batch, 0, batch.length, next(batch.length), (error, written) => (error ? reject(error) : resolve(written)))
    })
  const writeMany = (): Promise<number> =>
    new Promise((resolve, reject) => {
      writev(file, many, next(batch.length * atOnce), (error, written) => (error ? reject(error) : resolve(written)))
    })
  const handleOne = async (): Promise<number> => (await handle!.write(batch, 0, batch.length, next(batch.length))).bytesWritten
  const streamOne = (bytes: Buffer): Promise<number> =>
    new Promise((resolve, reject) => {
      stream!.write(bytes, (error) => (error ? reject(error) : resolve(bytes.length)))
    })
  return [
    { name: 'fs.write', begin: opensFile, one: writeOne, many: async () => sum(await Promise.all(many.map(writeOne))) },
    { name: 'fs.writev', begin: opensFile, many: writeMany },
    { name: 'FileHandle.write', begin: opensHandle, one: handleOne, many: async () => sum(await Promise.all(many.map(handleOne))) },
    {
      name: 'createWriteStream',
      begin: begins(async () => {
        stream = createWriteStream(fileName)
        await once(stream, 'open')
      }),
      one: () => streamOne(batch),
      many: async () => sum(await Promise.all(many.map(streamOne)))
    },
    {
      name: 'fs.promises.appendFile',
      begin: begins(() => appendFile(fileName, '')),
      one: () => appendFile(fileName, batch).then(() => batch.length)
    }
  ]
}

export default { name: 'append', open } satisfies Suite
