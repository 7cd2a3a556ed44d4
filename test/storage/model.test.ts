/** Random appends (of idempotent producers too: retries, gaps), reads, look-ups by time, rolls, deletions and restarts against a model that is an array. */
import fc from 'fast-check'
import test from 'ava'
import path from 'node:path'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { batch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, readAll, startEngine, TOPIC_ID, values, type Engine } from './support.js'

type Step =
  | { readonly kind: 'append'; readonly counts: readonly number[]; readonly bytes: number }
  | { readonly kind: 'fetch'; readonly at: number; readonly maxBytes: number; readonly upTo: number; readonly whole: boolean }
  | {
      readonly kind: 'produce'
      readonly producer: number
      readonly what: 'next' | 'retry' | 'gap'
      readonly back: number
      readonly count: number
      readonly ago: number
    }
  | { readonly kind: 'time'; readonly ago: number }
  | { readonly kind: 'delete'; readonly at: number }
  | { readonly kind: 'retain' | 'roll' | 'restart' | 'crash' | 'flush' }

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      counts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
      bytes: fc.integer({ min: 0, max: 200 })
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('fetch' as const),
      at: fraction,
      maxBytes: fc.integer({ min: 1, max: 3000 }),
      upTo: fraction,
      whole: fc.boolean()
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('produce' as const),
      producer: fc.nat({ max: 2 }),
      what: fc.constantFrom('next' as const, 'next' as const, 'retry' as const, 'gap' as const),
      back: fc.nat({ max: 4 }),
      count: fc.integer({ min: 1, max: 5 }),
      ago: fc.nat({ max: 1000 })
    })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), ago: fc.nat({ max: 1100 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fraction }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('retain' as const, 'roll' as const, 'restart' as const, 'crash' as const, 'flush' as const)
    })
  }
)

const topic = { 'internal.segment.bytes': '1500', 'index.interval.bytes': '150', 'retention.ms': '-1' }

/** What the log should hold: batches in order; their records' values are `${first offset}:${index}`. */
interface Model {
  readonly batches: { readonly first: number; readonly last: number; readonly timestamp: number }[]
  readonly producers: Map<number, ProducerModel>
  start: number
  end: number
}

interface ProducerModel {
  next: number
  /** Batches that a retry must be known of: up to five, after a restart only the last one for certain. */
  window: { readonly sequence: number; readonly count: number; readonly first: number }[]
}

/** Of this day: a producer that is silent for longer is forgotten. */
const NOW = Date.now()
const FIRST_PRODUCER = 500

test('a log behaves as an array of batches', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      let engine = await startEngine(t, { topic })
      let log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
      const model: Model = { batches: [], producers: new Map(), start: 0, end: 0 }
      for (const one of steps) {
        if (one.kind === 'restart' || one.kind === 'crash') {
          await (one.kind === 'restart' ? engine.stop() : engine.drop())
          engine = await startEngine(t, { dir: engine.dir, topic })
          log = (await engine.manager.whenReady('t', 0))!
          restarted(model)
        } else await apply(engine, log, model, one)
        if (log.logStartOffset !== model.start || log.endOffset !== model.end) {
          throw new Error(`after ${one.kind}: [${log.logStartOffset}, ${log.endOffset}), should be [${model.start}, ${model.end})`)
        }
      }
      const offsets = (await readAll(log)).map((record) => record.offset)
      if (offsets.length !== model.end - model.start || (offsets.length > 0 && offsets[0] !== model.start))
        throw new Error('records are missing')
      await engine.stop()
      const findings = await verifyFolder(path.join(engine.dir, 't-0'))
      if (findings.length > 0) throw new Error(JSON.stringify(findings))
    }),
    { numRuns: 25, seed: 20_261_121 }
  )
  t.pass()
})

async function apply(engine: Engine, log: Log, model: Model, one: Step): Promise<void> {
  if (one.kind === 'append') {
    const results = await Promise.all(
      one.counts.map((count) => append(engine, log, values(count, 'v', one.bytes), { timestamp: NOW + model.end }))
    )
    const timestamp = NOW + model.end
    for (const [index, result] of results.entries()) {
      const last = model.end + one.counts[index]! - 1
      if (result.baseOffset !== model.end || result.lastOffset !== last)
        throw new Error(`appended at ${result.baseOffset}, not at ${model.end}`)
      model.batches.push({ first: model.end, last, timestamp })
      model.end = last + 1
    }
  } else if (one.kind === 'produce') {
    await produce(engine, log, model, one)
  } else if (one.kind === 'time') {
    await compareTime(log, model, NOW + model.end - one.ago)
  } else if (one.kind === 'fetch') {
    await compareFetch(log, model, one)
  } else if (one.kind === 'delete') {
    const at = Math.floor(one.at * model.end)
    const { errorCode } = await log.deleteRecordsBefore(at)
    if (errorCode !== ErrorCode.NONE) throw new Error(`deleteRecordsBefore gave ${errorCode}`)
    model.start = Math.max(model.start, at)
  } else if (one.kind === 'retain') await log.applyRetention()
  else if (one.kind === 'roll') log.roll()
  else if (one.kind === 'flush') await log.flush()
}

/** What a restart may forget: all but the last batch of a producer, and producers of whom no record is left. */
function restarted({ producers, start }: Model): void {
  for (const [id, producer] of producers) {
    producer.window = producer.window.slice(-1)
    const last = producer.window[0]
    if (last === undefined || last.first + last.count <= start) producers.delete(id)
  }
}

async function produce(engine: Engine, log: Log, model: Model, one: Extract<Step, { kind: 'produce' }>): Promise<void> {
  // A new id once the old one may have been forgotten: whether a gap is known as one can't be told then.
  const producerId = FIRST_PRODUCER + one.producer + 10 * model.batches.findLastIndex((batch) => batch.last < model.start)
  const known = model.producers.get(producerId) ?? { next: 0, window: [] }
  const timestamp = NOW + model.end - one.ago
  const send = (baseSequence: number, count: number) =>
    append(engine, log, values(count), { producerId, producerEpoch: 0, baseSequence, timestamp })
  const old = known.window.at(-1 - one.back)
  if (one.what === 'retry' && old !== undefined) {
    const { errorCode, baseOffset } = await send(old.sequence, old.count)
    if (errorCode !== ErrorCode.NONE || baseOffset !== old.first)
      throw new Error(`a retry of ${old.first} gave ${baseOffset} (${errorCode})`)
  } else if (one.what === 'gap' && known.window.length > 0) {
    const { errorCode } = await send(known.next + 1, one.count)
    if (errorCode !== ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) throw new Error(`a gap in the sequence gave ${errorCode}`)
  } else {
    const { errorCode, baseOffset } = await send(known.next, one.count)
    if (errorCode !== ErrorCode.NONE || baseOffset !== model.end)
      throw new Error(`produced at ${baseOffset} (${errorCode}), not at ${model.end}`)
    known.window = [...known.window.slice(-4), { sequence: known.next, count: one.count, first: model.end }]
    known.next += one.count
    model.producers.set(producerId, known)
    model.batches.push({ first: model.end, last: model.end + one.count - 1, timestamp })
    model.end += one.count
  }
}

async function compareTime(log: Log, model: Model, timestamp: number): Promise<void> {
  const there = model.batches.filter((one) => one.last >= model.start)
  const first = there.find((one) => one.timestamp >= timestamp)
  const found = await log.offsetForTimestamp(timestamp)
  const expected = first && Math.max(first.first, model.start)
  if (found?.offset !== expected) throw new Error(`time ${timestamp} is found at ${found?.offset}, should be at ${expected}`)
  const largest = Math.max(-1, ...there.map((one) => one.timestamp))
  const newest = await log.offsetOfMaxTimestamp()
  const deleted = newest === undefined && model.start > 0
  if (!deleted && (newest?.timestamp ?? -1) !== largest) throw new Error(`the largest time is ${newest?.timestamp}, should be ${largest}`)
}

async function compareFetch(log: Log, model: Model, { at, maxBytes, upTo, whole }: Extract<Step, { kind: 'fetch' }>): Promise<void> {
  const offset = Math.floor(at * (model.end + 3)) - 1
  // A high watermark is a batch boundary.
  const limit = model.batches[Math.floor(upTo * model.batches.length)]?.first ?? model.end
  const result = await log.read(offset, maxBytes, limit, whole)
  if (offset < model.start || offset > model.end) {
    if (result.errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE) throw new Error(`fetch at ${offset} should be out of range`)
    return
  }
  if (result.errorCode !== ErrorCode.NONE) throw new Error(`fetch at ${offset} gave ${result.errorCode}`)
  const first = model.batches.find((one) => one.last >= offset)
  const nothing = offset >= limit || first === undefined
  if (nothing !== (result.region === null)) throw new Error(`fetch at ${offset} below ${limit}: ${result.bytes} bytes`)
  if (nothing) return
  const bytes = await log.readBytes(offset, 1)
  if (batch.baseOffset(bytes, 0) !== first.first) throw new Error(`fetch at ${offset} begins at ${batch.baseOffset(bytes, 0)}`)
  if (whole ? result.bytes < Math.min(bytes.length, maxBytes) : result.bytes > maxBytes)
    throw new Error(`fetch of ${maxBytes} gave ${result.bytes}`)
  if (whole && result.bytes > Math.max(maxBytes, bytes.length)) throw new Error(`fetch of ${maxBytes} gave ${result.bytes}`)
}
