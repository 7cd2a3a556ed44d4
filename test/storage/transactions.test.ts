/** Transactions and truncations against a naive model: random producers, markers, cuts, rolls, restarts and crashes that lose index entries. */
import { readdir, readFile, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { buildBatch, decodeBatches, endTransactionBatch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { readTransactionEntry, TRANSACTION_ENTRY_BYTES } from '../../src/storage/transaction-index.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, appendBytes, startEngine, TOPIC_ID, values, type Engine } from './support.js'
import { TransactionModel } from './transactions.model.js'

const RUNS = Number(process.env['SLUICE_ROUNDS'] ?? 25)
const SEED = Number(process.env['SLUICE_SEED'] ?? 20_261_121)
const PRODUCERS = 4

type Step =
  | { readonly kind: 'append'; readonly writes: readonly { readonly producer: number; readonly what: number; readonly count: number }[] }
  | { readonly kind: 'truncate' | 'delete'; readonly at: number }
  | { readonly kind: 'aborted'; readonly from: number; readonly to: number }
  | { readonly kind: 'crash'; readonly lose: number }
  | { readonly kind: 'again' | 'roll' | 'restart' | 'flush' | 'epoch' | 'retain' }

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const write = fc.record({ producer: fc.nat(PRODUCERS), what: fc.nat(9), count: fc.integer({ min: 1, max: 4 }) })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('append' as const), writes: fc.array(write, { minLength: 1, maxLength: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('truncate' as const), at: fraction }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fraction }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('aborted' as const), from: fraction, to: fraction }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), lose: fraction }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'again' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('roll' as const, 'restart' as const, 'flush' as const, 'epoch' as const, 'retain' as const)
    })
  }
)

const topic = { 'internal.segment.bytes': '1200', 'index.interval.bytes': '150', 'retention.ms': '-1' }

class Run {
  engine!: Engine
  log!: Log
  epoch = 0
  readonly model = new TransactionModel()

  async apply(one: Step, start: (dir?: string) => Promise<void>): Promise<void> {
    const { log, model } = this
    if (one.kind === 'append') await this.#append(one.writes)
    else if (one.kind === 'truncate') {
      const at = Math.floor(one.at * (model.end + 2))
      const before = model.end
      const bases = (await readdir(log.folder)).filter((name) => name.endsWith('.log')).map((name) => Number(name.slice(0, 20)))
      if ((await log.truncateTo(at)) !== at < before) throw new Error(`truncateTo(${at}) of ${before} was wrong about itself`)
      // Below the first segment nothing is left.
      if (at < before && at < Math.min(...bases)) model.restart(at)
      else model.truncate(at)
    } else if (one.kind === 'again') {
      await log.truncateFullyAndStartAt(model.end + 7)
      model.restart(model.end + 7)
    } else if (one.kind === 'delete') {
      const at = Math.floor(one.at * model.end)
      if ((await log.deleteRecordsBefore(at)).errorCode !== ErrorCode.NONE && at >= model.start) throw new Error('delete failed')
      model.start = Math.max(model.start, at)
    } else if (one.kind === 'aborted') {
      const from = model.start + Math.floor(one.from * (model.end - model.start + 1))
      await this.compareAborted(from, from + Math.floor(one.to * (model.end - from + 1)))
    } else if (one.kind === 'crash') {
      const { recoveryPoint, folder } = log
      await this.engine.drop()
      await loseEntries(folder, recoveryPoint, one.lose)
      await start(this.engine.dir)
    } else if (one.kind === 'restart') {
      await this.engine.stop()
      await start(this.engine.dir)
    } else if (one.kind === 'flush') {
      await log.flush()
      await this.engine.manager.dirs[0]!.saveRecoveryPoints()
    } else if (one.kind === 'epoch') this.epoch++
    else if (one.kind === 'retain') await log.applyRetention()
    else log.roll()
  }

  async #append(writes: readonly { producer: number; what: number; count: number }[]): Promise<void> {
    const timestamp = this.engine.clock.now()
    const pending = writes.map(({ producer, what, count }) => {
      const first = this.model.end
      if (producer === PRODUCERS) {
        this.model.append('plain', -1, count, this.epoch)
        return [first, append(this.engine, this.log, values(count), {}, this.epoch)] as const
      }
      const producerId = 10 + producer
      if (what >= 5) {
        const commit = what >= 8
        this.model.append(commit ? 'commit' : 'abort', producerId, 1, this.epoch)
        const marker = endTransactionBatch({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp })
        return [first, appendBytes(this.engine, this.log, marker, 'coordinator', this.epoch)] as const
      }
      this.model.append('data', producerId, count, this.epoch)
      const bytes = buildBatch(values(count), { timestamp, producerId, producerEpoch: 0, baseSequence: first, transactional: true })
      return [first, appendBytes(this.engine, this.log, bytes, 'coordinator', this.epoch)] as const
    })
    for (const [first, result] of pending) {
      const { errorCode, baseOffset } = await result
      if (errorCode !== ErrorCode.NONE || baseOffset !== first)
        throw new Error(`appended at ${baseOffset} with ${errorCode}, not at ${first}`)
    }
  }

  async compareAborted(from: number, to: number): Promise<void> {
    const found = await this.log.abortedTransactions(from, to)
    const expected = this.model.abortedIn(from, to)
    if (JSON.stringify(found) !== JSON.stringify(expected))
      throw new Error(`aborted in [${from}, ${to}): ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`)
  }

  compare(after: string): void {
    const { log, model } = this
    const is = [log.logStartOffset, log.lastStableOffset, log.endOffset]
    const should = [model.start, model.lastStableOffset, model.end]
    if (String(is) !== String(should)) throw new Error(`after ${after}: start, stable, end are ${is.join()}, should be ${should.join()}`)
    const open = new Map(
      [...log.producers()].filter((one) => one.currentTxnFirstOffset >= 0).map((one) => [one.producerId, one.currentTxnFirstOffset])
    )
    const sorted = (map: Map<number, number>) => JSON.stringify([...map].toSorted(([a], [b]) => a - b))
    if (sorted(open) !== sorted(model.walk().open))
      throw new Error(`after ${after}: open are ${sorted(open)}, should be ${sorted(model.walk().open)}`)
  }
}

/** What kill -9 may leave of the newest index: fewer entries behind the recovery point, or half of one. */
async function loseEntries(folder: string, recoveryPoint: number, share: number): Promise<void> {
  const name = (await readdir(folder))
    .filter((one) => one.endsWith('.txnindex'))
    .toSorted()
    .at(-1)
  if (name === undefined) return
  const file = path.join(folder, name)
  const bytes = await readFile(file)
  let kept = 0
  while (kept < bytes.length && readTransactionEntry(bytes, kept).lastOffset < recoveryPoint) kept += TRANSACTION_ENTRY_BYTES
  await truncate(file, kept + Math.floor(share * (bytes.length - kept)))
}

test('aborted transactions, last stable offset and open transactions are those of the batches', async (t) => {
  await fc
    .assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 45 }), async (steps) => {
        const run = new Run()
        const start = async (dir?: string): Promise<void> => {
          run.engine = await startEngine(t, { topic, ...(dir === undefined ? {} : { dir }) })
          run.log = (await run.engine.manager.whenReady('t', 0)) ?? (await run.engine.manager.create('t', 0, TOPIC_ID, run.engine.config()))
        }
        await start()
        for (const one of steps) {
          await run.apply(one, start)
          run.compare(one.kind)
        }
        const { log, model } = run
        await run.compareAborted(model.start, model.end)
        for (let epoch = 0; epoch <= run.epoch; epoch++) compareEpoch(log, model, epoch)
        const offsets = await recordOffsets(log)
        if (String(offsets) !== String(model.recordOffsets))
          throw new Error(`the records are ${offsets.join()}, not ${model.recordOffsets.join()}`)
        await run.engine.stop()
        const folder = path.join(run.engine.dir, 't-0')
        const findings = await verifyFolder(folder, { gaps: false })
        if (findings.length > 0) throw new Error(JSON.stringify(findings))
        for (const name of await readdir(folder)) {
          if (name.endsWith('.txnindex') && (await stat(path.join(folder, name))).size % TRANSACTION_ENTRY_BYTES !== 0)
            throw new Error(name)
        }
      }),
      { numRuns: RUNS, seed: SEED }
    )
    .catch((error: Error) => t.fail(`${error.message}: ${(error.cause as Error | undefined)?.message}`))
  t.pass()
})

/** Of what is no marker. */
async function recordOffsets(log: Log): Promise<number[]> {
  const offsets: number[] = []
  for (let next = log.logStartOffset; next < log.endOffset;) {
    for (const { control, baseOffset, lastOffset } of decodeBatches(await log.readBytes(next, 64 * 1024))) {
      for (; next <= lastOffset; next++) if (!control && next >= baseOffset) offsets.push(next)
    }
  }
  return offsets
}

function compareEpoch(log: Log, model: TransactionModel, epoch: number): void {
  const expected = model.epochEnd(epoch)
  const found = log.epochEndOffset(epoch)
  // Which epoch was in force in what was deleted is not known to the model.
  if (model.start > 0 || model.batches.length === 0) return
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`epoch ${epoch} ends at ${JSON.stringify(found)}, not at ${JSON.stringify(expected)}`)
}
