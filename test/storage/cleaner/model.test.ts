/** Random keyed logs with tombstones, transactions and codecs against a model that is a list. SLUICE_ROUNDS: how many (default 25). */
import fc from 'fast-check'
import test, { type ExecutionContext } from 'ava'
import { ManualClock } from '../support.js'
import {
  assertSound,
  compact,
  endTransaction,
  latest,
  put,
  seen,
  startCompacting,
  type Compacting,
  type Pair,
  type Seen
} from './support.js'

const ROUNDS = Number(process.env['SLUICE_ROUNDS'] ?? 25)
const RETENTION_MS = 1000

type Step =
  | { readonly kind: 'plain'; readonly pairs: readonly Pair[]; readonly codec: number }
  | { readonly kind: 'transactional'; readonly producer: number; readonly pairs: readonly Pair[]; readonly codec: number }
  | { readonly kind: 'end'; readonly producer: number; readonly commit: boolean }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'roll' | 'compact' | 'crash' | 'restart' }

const pair: fc.Arbitrary<Pair> = fc.tuple(
  fc.integer({ min: 0, max: 8 }).map((key) => `k${key}`),
  fc.oneof({ weight: 4, arbitrary: fc.string({ maxLength: 60 }) }, { weight: 1, arbitrary: fc.constant(null) })
)
const pairs = fc.array(pair, { minLength: 1, maxLength: 6 })
const codec = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) })
const producer = fc.integer({ min: 1, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('plain' as const), pairs, codec }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('transactional' as const), producer, pairs, codec }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), producer, commit: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 800 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('roll' as const, 'roll' as const, 'compact' as const, 'crash' as const, 'restart' as const)
    })
  }
)

/** What was written, and which of it is decided how. */
class Model {
  readonly records: Seen[] = []
  readonly aborted = new Set<number>()
  readonly open = new Map<number, number[]>()
  readonly sequences = new Map<number, number>()

  committed(found: readonly Seen[]): Seen[] {
    const undecided = new Set(Array.from(this.open.values()).flat())
    return found.filter(({ offset }) => !this.aborted.has(offset) && !undecided.has(offset))
  }
}

async function run(one: Compacting, model: Model, what: Step): Promise<void> {
  if (what.kind === 'plain' || what.kind === 'transactional') {
    const sequence = what.kind === 'plain' ? 0 : (model.sequences.get(what.producer) ?? 0)
    const options =
      what.kind === 'plain' ? {} : { producerId: what.producer, producerEpoch: 0, baseSequence: sequence, transactional: true }
    const { errorCode, baseOffset } = await put(one, what.pairs, options, what.codec)
    if (errorCode !== 0) throw new Error(`refused with ${errorCode}`)
    const offsets = what.pairs.map((_, index) => baseOffset + index)
    for (const [index, [key, value]] of what.pairs.entries())
      model.records.push({ offset: baseOffset + index, key, value, timestamp: one.clock.now() })
    if (what.kind === 'plain') return
    model.sequences.set(what.producer, sequence + what.pairs.length)
    model.open.set(what.producer, [...(model.open.get(what.producer) ?? []), ...offsets])
  } else if (what.kind === 'end') {
    await endTransaction(one, what.producer, what.commit)
    if (!what.commit) for (const offset of model.open.get(what.producer) ?? []) model.aborted.add(offset)
    model.open.delete(what.producer)
  } else if (what.kind === 'advance') one.clock.advance(what.ms)
  else if (what.kind === 'roll') {
    one.log.roll()
    await one.log.whenIdle()
  }
}

async function check(t: ExecutionContext, { engine, log, clock }: Compacting, model: Model): Promise<void> {
  const found = await seen(log)
  const byOffset = new Map(model.records.map((one) => [one.offset, one]))
  for (const one of found) t.deepEqual(one, byOffset.get(one.offset), 'what is there is what was written')
  const expected = latest(model.committed(model.records))
  const actual = latest(model.committed(found))
  const written = new Map(model.committed(model.records).map(({ key, timestamp }) => [key!, timestamp]))
  for (const [key, value] of expected) {
    // A tombstone may be gone, but not before its time, and then with all that it deleted.
    const gone = value === null && !actual.has(key)
    if (gone) t.true(clock.now() - written.get(key)! >= RETENTION_MS, `the tombstone of ${key} went early`)
    else t.is(actual.get(key), value, `the latest value of ${key}`)
  }
  for (const offset of Array.from(model.open.values()).flat())
    t.true(
      found.some((one) => one.offset === offset),
      'open transactions stay whole'
    )
  await assertSound(t, engine)
}

test('the latest value of each key survives whatever happens', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
      const clock = new ManualClock()
      const topic = { 'delete.retention.ms': String(RETENTION_MS), 'internal.segment.bytes': '1500' }
      let one = await startCompacting(t, { clock, topic })
      const { dir } = one.engine
      const model = new Model()
      for (const what of [...steps, { kind: 'compact' } as const]) {
        await run(one, model, what)
        if (what.kind === 'compact') {
          await compact(one)
          await check(t, one, model)
          const before = await seen(one.log)
          await compact(one)
          t.deepEqual(await seen(one.log), before)
        } else if (what.kind === 'crash' || what.kind === 'restart') {
          const { endOffset } = one.log
          await (what.kind === 'crash' ? one.engine.drop() : one.engine.stop())
          one = await startCompacting(t, { clock, topic, dir })
          t.is(one.log.endOffset, endOffset)
          await check(t, one, model)
        }
      }
      await one.engine.stop()
    }),
    { numRuns: ROUNDS, seed: 20 }
  )
})
