/**
 * The engine against a naive model: the same random operations on both. Several appends at a time (plain, idempotent, transactional, compressed),
 * retries and gaps, reads of all kinds, look-ups by time, DeleteRecords, truncation, retention, compaction, rolls, closing and opening. Kills are
 * elsewhere. SLUICE_ROUNDS: how many (default 20); SLUICE_SEED: others.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { decodeBatches, decompressedRecords, endTransactionBatch, RecordBatchBuilder, recordsOf } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { readRecords } from '../../src/storage/library/record-reader.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { EngineModel, type ModelBatch, type ModelRecord } from './engine.model.js'
import { appendBytes, ManualClock, startEngine, TOPIC_ID, type Engine } from './support.js'

const ROUNDS = Number(process.env['SLUICE_ROUNDS'] ?? 20)
const SEED = Number(process.env['SLUICE_SEED'] ?? 20_261_121)
const LIMIT_MS = 30_000
const PRODUCERS = 3
const RETENTION_MS = 1500
const RETENTION_BYTES = 6000

interface Write {
  readonly what: 'plain' | 'next' | 'retry' | 'gap' | 'data' | 'commit' | 'abort'
  readonly producer: number
  readonly pairs: readonly (readonly [key: number, value: string | null])[]
  readonly ago: number
  readonly codec: number
}

type Step =
  | { readonly kind: 'write'; readonly writes: readonly Write[] }
  | { readonly kind: 'fetch'; readonly at: number; readonly maxBytes: number; readonly upTo: number; readonly whole: boolean }
  | { readonly kind: 'read'; readonly at: number; readonly maxBytes: number; readonly committed: boolean }
  | { readonly kind: 'aborted'; readonly at: number; readonly to: number }
  | { readonly kind: 'time'; readonly ago: number }
  | { readonly kind: 'truncate' | 'delete'; readonly at: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'retain' | 'compact' | 'roll' | 'flush' | 'reopen' | 'expire' }

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const kinds = <K extends string>(...names: K[]) => fc.constantFrom(...names)
const value = fc.oneof({ weight: 5, arbitrary: fc.string({ maxLength: 80 }) }, { weight: 1, arbitrary: fc.constant(null) })
const write: fc.Arbitrary<Write> = fc.record({
  what: kinds('plain', 'plain', 'next', 'next', 'retry', 'gap', 'data', 'data', 'data', 'commit', 'abort'),
  producer: fc.nat(PRODUCERS - 1),
  pairs: fc.array(fc.tuple(fc.nat(7), value), { minLength: 1, maxLength: 5 }),
  ago: fc.nat(1000),
  codec: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) })
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: kinds('write'), writes: fc.array(write, { minLength: 1, maxLength: 6 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kinds('fetch'),
      at: fraction,
      maxBytes: fc.integer({ min: 1, max: 3000 }),
      upTo: fraction,
      whole: fc.boolean()
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kinds('read'), at: fraction, maxBytes: fc.integer({ min: 1, max: 3000 }), committed: fc.boolean() })
  },
  { weight: 2, arbitrary: fc.record({ kind: kinds('aborted'), at: fraction, to: fraction }) },
  { weight: 3, arbitrary: fc.record({ kind: kinds('time'), ago: fc.nat(2000) }) },
  { weight: 3, arbitrary: fc.record({ kind: kinds('truncate', 'truncate', 'delete'), at: fraction }) },
  { weight: 3, arbitrary: fc.record({ kind: kinds('pass'), ms: fc.integer({ min: 1, max: 500 }) }) },
  { weight: 7, arbitrary: fc.record({ kind: kinds('retain', 'compact', 'compact', 'roll', 'flush', 'reopen', 'expire') }) }
)
const settings = fc.record({ policy: kinds('delete', 'compact'), flushMessages: kinds('', '1', '5') })

interface Prepared {
  readonly bytes: Buffer
  readonly origin: 'client' | 'coordinator'
  readonly errorCode: number
  /** As it will be in the log; undefined: it is refused. */
  readonly batch?: ModelBatch
}

class Run {
  engine!: Engine
  log!: Log
  readonly model = new EngineModel()
  readonly #clock = new ManualClock()
  readonly #t: ExecutionContext
  readonly #compact: boolean
  readonly #topic: Record<string, string>
  // A producer that the log may have forgotten, or not, gets another id.
  #ids = 100
  // The log ends where compaction has left nothing: what the next opening takes for its end may lie before.
  #endsInGap = false

  constructor(t: ExecutionContext, { policy, flushMessages }: { policy: string; flushMessages: string }) {
    this.#t = t
    this.#compact = policy === 'compact'
    this.#topic = {
      'cleanup.policy': policy,
      'internal.segment.bytes': '1500',
      'index.interval.bytes': '150',
      'retention.ms': String(RETENTION_MS),
      'retention.bytes': String(RETENTION_BYTES),
      'delete.retention.ms': '500',
      ...(flushMessages === '' ? {} : { 'flush.messages': flushMessages })
    }
  }

  async open(dir?: string): Promise<void> {
    const where = dir === undefined ? {} : { dir }
    // Nothing happens by itself.
    const broker = { 'log.cleaner.enable': 'false', 'log.initial.task.delay.ms': '10000000' }
    this.engine = await startEngine(this.#t, { topic: this.#topic, clock: this.#clock, settings: broker, ...where })
    this.log = (await this.engine.manager.whenReady('t', 0)) ?? (await this.engine.manager.create('t', 0, TOPIC_ID, this.engine.config()))
  }

  async apply(one: Step): Promise<void> {
    const { log, model } = this
    if (one.kind === 'write') await this.#write(one.writes)
    else if (one.kind === 'fetch') await this.#fetch(one)
    else if (one.kind === 'read') await this.#read(one)
    else if (one.kind === 'aborted') await this.#aborted(this.#offset(one.at), one.to)
    else if (one.kind === 'time') await this.#time(this.#clock.now() - one.ago)
    else if (one.kind === 'truncate') await this.#truncate(Math.floor(one.at * (model.end + 3)))
    else if (one.kind === 'delete') {
      const at = Math.floor(one.at * (model.end + 2))
      const { errorCode } = await log.deleteRecordsBefore(at)
      expect('DeleteRecords', errorCode, at > model.end ? ErrorCode.OFFSET_OUT_OF_RANGE : ErrorCode.NONE)
      if (at <= model.end) model.start = Math.max(model.start, at)
    } else if (one.kind === 'pass') this.#clock.advance(one.ms)
    else if (one.kind === 'retain') await this.#retain()
    else if (one.kind === 'compact') await this.#compactNow()
    else if (one.kind === 'roll') log.roll()
    else if (one.kind === 'flush') {
      await log.flush()
      expect('the recovery point', log.recoveryPoint, model.end)
    } else if (one.kind === 'expire') log.expireProducers()
    else await this.reopen()
  }

  compare(): void {
    const { log, model } = this
    expect(
      'start, stable and end',
      [log.logStartOffset, log.lastStableOffset, log.endOffset],
      [model.start, model.lastStableOffset, model.end]
    )
    const open = Array.from(log.producers(), (one) => [one.producerId, one.currentTxnFirstOffset] as const).filter(
      ([, first]) => first >= 0
    )
    expect('open transactions', open.toSorted(byId), [...model.transactions().open].toSorted(byId))
  }

  async reopen(): Promise<void> {
    await this.engine.stop()
    const findings = await verifyFolder(path.join(this.engine.dir, 't-0'), { gaps: this.#compact })
    expect('findings', findings, [])
    await this.open(this.engine.dir)
    const { log, model } = this
    if (this.#endsInGap && log.endOffset < model.end) model.cutTo(log.endOffset)
    this.#endsInGap = false
  }

  async compareAll(): Promise<void> {
    expect('the log', await everything(this.log, this.model.start), this.model.everything())
    for (const committed of [false, true]) await this.#read({ at: 0, maxBytes: 5000, committed })
    await this.#aborted(this.model.start, 1)
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const { end } = this.model
    const batches = await Promise.all(writes.map((one) => this.#prepare(one)))
    if (this.model.end > end) this.#endsInGap = false
    const answers = batches.map((one) => one && { ...one, answer: appendBytes(this.engine, this.log, one.bytes, one.origin) })
    for (const one of answers) {
      if (one === undefined) continue
      const { errorCode, baseOffset, lastOffset } = await one.answer
      expect('the error of an append', errorCode, one.errorCode)
      if (one.batch) expect('the offsets of an append', [baseOffset, lastOffset], [one.batch.first, one.batch.last])
    }
  }

  // In the order of the calls: each counts with what those before it will have done.
  async #prepare(one: Write): Promise<Prepared | undefined> {
    const { model } = this
    const producerId = this.#ids + one.producer
    const timestamp = this.#clock.now() - one.ago
    const records = one.pairs.map(([key, text], index) => ({ key: `k${key}`, value: text, timestamp: timestamp + index }))
    const bytes = (of: readonly Omit<ModelRecord, 'offset'>[], options: object) => {
      const builder = new RecordBatchBuilder(options)
      for (const { key, value: text, timestamp: at } of of)
        builder.append({ key: Buffer.from(key!), value: text === null ? null : Buffer.from(text), timestamp: at })
      return builder.buildCompressed(one.codec)
    }
    const done = async (
      whole: Buffer | Promise<Buffer>,
      errorCode: number,
      batch?: ModelBatch,
      origin: 'client' | 'coordinator' = 'client'
    ) => ({
      bytes: await whole,
      origin,
      errorCode,
      ...(batch && { batch })
    })
    if (one.what === 'plain') return done(bytes(records, {}), ErrorCode.NONE, model.append('plain', -1, records))
    if (one.what === 'commit' || one.what === 'abort') {
      if (!model.transactions().open.has(producerId)) return undefined
      const marker = endTransactionBatch({ producerId, producerEpoch: 0, commit: one.what === 'commit', coordinatorEpoch: 0, timestamp })
      const batch = model.append(one.what, producerId, [{ key: null, value: null, timestamp }])
      return done(marker, ErrorCode.NONE, batch, 'coordinator')
    }
    const last = model.lastOf(producerId)
    const isOpen = model.transactions().open.has(producerId)
    const producer = { producerId, producerEpoch: 0 }
    if (one.what === 'retry' || one.what === 'gap') {
      if (last === undefined || last.first < model.start) return undefined
      const transactional = last.kind === 'data'
      if (one.what === 'retry')
        return done(bytes(last.records, { ...producer, baseSequence: last.sequence, transactional }), ErrorCode.NONE, last)
      const baseSequence = model.nextSequence(producerId) + 1
      return done(bytes(records, { ...producer, baseSequence, transactional }), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
    const transactional = one.what === 'data'
    const baseSequence = model.nextSequence(producerId)
    const whole = bytes(records, { ...producer, baseSequence, transactional })
    if (isOpen && !transactional) return done(whole, ErrorCode.INVALID_TXN_STATE)
    return done(whole, ErrorCode.NONE, model.append(transactional ? 'data' : 'idempotent', producerId, records))
  }

  async #truncate(at: number): Promise<void> {
    const { log, model } = this
    const compacted = at < model.end && at <= model.compactedTo && model.compactedTo > 0
    // What such a cut does to producers depends on which of their batches compaction has kept, as in Kafka.
    if (compacted && model.batches.some((one) => one.kind === 'data')) return
    if (compacted) this.#ids += PRODUCERS
    const first = log.segmentFiles()[0]!.baseOffset
    expect('the answer of truncateTo', await log.truncateTo(at), at < model.end)
    if (at < model.end && at < first) model.restart(at)
    else if (compacted) {
      // An empty batch that compaction has kept goes whole as well.
      const whole = model.batches.find((one) => one.last >= at)?.first ?? at
      if (log.endOffset > at || log.endOffset < whole) throw new Error(`cut at ${log.endOffset} instead of ${whole} to ${at}`)
      model.cutTo(log.endOffset)
      this.#endsInGap = true
    } else model.truncate(at)
  }

  async #retain(): Promise<void> {
    const { log, model } = this
    const before = model.start
    if (!this.#compact) model.start = model.retained(log.segmentFiles(), this.#clock.now(), RETENTION_MS, RETENTION_BYTES)
    const count = await log.applyRetention()
    if (model.start > before && count === 0) throw new Error('retention has deleted nothing')
    await log.whenIdle()
  }

  async #compactNow(): Promise<void> {
    if (!this.#compact) return
    const result = await this.engine.manager.cleaner.cleanNow(this.log)
    if (result === undefined) return
    const { model, log } = this
    const left = new Set((await allOffsets(log, model.start)).keys())
    model.compacted(left, result.endOffset, this.#clock.now() - 500)
  }

  async #fetch({ at, maxBytes, upTo, whole }: Extract<Step, { kind: 'fetch' }>): Promise<void> {
    if (this.#compact) return
    const { log, model } = this
    const offset = Math.floor(at * (model.end + 3)) - 1
    const limit = model.batches[Math.floor(upTo * model.batches.length)]?.first ?? model.end
    const { errorCode, region } = await log.read(offset, maxBytes, limit, whole)
    const outside = offset < model.start || offset > model.end
    expect(`the error of a fetch at ${offset}`, errorCode, outside ? ErrorCode.OFFSET_OUT_OF_RANGE : ErrorCode.NONE)
    if (outside) return
    const expected = model.batches.filter((one) => one.last >= offset && one.first < limit)
    if (expected.length === 0 || offset >= limit) return expect(`a fetch at ${offset} below ${limit}`, region, null)
    if (region === null) throw new Error(`nothing at ${offset} below ${limit}`)
    const { file } = log.segmentFiles().find(({ handle }) => handle === region.segment)!
    const bytes = (await readFile(file)).subarray(region.position, region.position + region.length)
    const found = Array.from(decodeBatches(bytes))
    const complete = found.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
    if (whole && found.length === 0) throw new Error(`a fetch at ${offset} has no whole batch`)
    if (complete > maxBytes && found.length !== 1) throw new Error(`a fetch of ${maxBytes} has ${complete} bytes`)
    expect(
      'the batches of a fetch',
      found.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]),
      expected.slice(0, found.length).map(({ first, last }) => [first, last])
    )
  }

  async #read({ at, maxBytes, committed }: { at: number; maxBytes: number; committed: boolean }): Promise<void> {
    const from = this.#offset(at)
    const found: ModelRecord[] = []
    const options = { from, maxBytes, isolation: committed ? ('read_committed' as const) : ('read_uncommitted' as const) }
    const readers = { failure: undefined, more: () => Promise.resolve(false), cursors: new Set<never>() }
    for await (const { offset, key, value: bytes, timestamp } of readRecords(this.log, options, readers))
      found.push({ offset, key: String(key), value: bytes === null ? null : String(bytes), timestamp })
    expect(`the records from ${from}`, found, this.model.visible(from, committed))
  }

  async #aborted(from: number, share: number): Promise<void> {
    const { log, model } = this
    // Where aborted records are gone nobody is told of them.
    const first = Math.max(from, model.compactedTo)
    const to = first + Math.floor(share * (model.end - first + 1))
    if (to > first) expect(`aborted in [${first}, ${to})`, await log.abortedTransactions(first, to), model.abortedIn(first, to))
  }

  async #time(timestamp: number): Promise<void> {
    const { log, model } = this
    expect(`the offset of ${timestamp}`, (await log.offsetForTimestamp(timestamp))?.offset, model.firstSince(timestamp))
    const newest = await log.offsetOfMaxTimestamp()
    // One that lies before the start hides the others, as in Kafka.
    if (newest === undefined && model.start > 0) return
    const largest = Math.max(-1, ...model.everything().map((one) => one.timestamp))
    expect('the largest timestamp', newest?.timestamp ?? -1, largest)
    if (newest !== undefined) expect('where it is', newest.offset, model.everything().find((one) => one.timestamp === largest)?.offset)
  }

  #offset(share: number): number {
    const { start, end } = this.model
    return start + Math.floor(share * (end - start + 1))
  }
}

const byId = ([a]: readonly [number, number], [b]: readonly [number, number]): number => a - b

function expect(what: string, found: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)]
  if (is !== should) throw new Error(`${what}: ${is}, should be ${should}`)
}

/** The records and markers from an offset on, by offset. */
async function allOffsets(log: Log, from: number): Promise<Map<number, ModelRecord>> {
  const found = new Map<number, ModelRecord>()
  for (let next = from; ;) {
    const bytes = await log.readBytes(next, 4000)
    if (bytes.length === 0) return found
    for (const header of decodeBatches(bytes)) {
      next = header.lastOffset + 1
      const payload = await decompressedRecords(bytes, header, 1 << 20)
      for (const { offset, key, value: text, timestamp } of recordsOf(bytes, header, payload)) {
        const marker = header.control
        if (offset >= from)
          found.set(offset, { offset, key: marker ? null : String(key), value: text && !marker ? String(text) : null, timestamp })
      }
    }
  }
}

async function everything(log: Log, from: number): Promise<ModelRecord[]> {
  return Array.from((await allOffsets(log, from)).values())
}

/** What never ends is a failure like others, so that it is made smaller. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it does not end')), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

test('the engine does what an array of batches does', async (t) => {
  await fc
    .assert(
      fc.asyncProperty(settings, fc.array(step, { minLength: 10, maxLength: 60 }), async (how, steps) => {
        const run = new Run(t, how)
        await run.open()
        for (const [index, one] of steps.entries()) {
          try {
            await within(LIMIT_MS, run.apply(one))
            run.compare()
          } catch (error) {
            throw new Error(`step ${index}, ${one.kind}: ${(error as Error).message}`, { cause: error })
          }
        }
        await run.compareAll()
        await run.reopen()
        run.compare()
        await run.compareAll()
        await run.engine.stop()
      }),
      { numRuns: ROUNDS, seed: SEED }
    )
    .catch((error: Error) => t.fail(`${error.message}: ${(error.cause as Error | undefined)?.message}`))
  t.pass()
})
