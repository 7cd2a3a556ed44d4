/** The shell around a shard: what is loaded, shared, held back, and lost. The shard here counts. */
import test from 'ava'
import { Buffer } from 'node:buffer'
import type { EncodedRecord } from '../../src/coordinator/coordinator-log.js'
import { partitionFor } from '../../src/coordinator/partition-for.js'
import { CoordinatorRuntime, type RuntimeOptions } from '../../src/coordinator/runtime.js'
import type { Effects, Reply, Shard } from '../../src/coordinator/shard.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { MemoryLog } from './support/memory-log.js'
import { SimClock, turn } from './support/sim-clock.js'

type Event = { readonly name: string }

class Counter implements Shard<number, Event> {
  total = 0
  readonly seen: string[] = []
  parked: Reply<number> | undefined

  replay(record: number): void {
    this.total += record
  }

  replayTransactionEnd(): void {}

  onLoaded(effects: Effects<number, Event>): void {
    effects.schedule('loaded', 10, { name: 'loaded' })
  }

  onTimer(event: Event, effects: Effects<number, Event>): void {
    this.seen.push(`${event.name}@${effects.now}`)
    if (event.name === 'emit') effects.emit(100)
  }
}

const codec = {
  encode: (record: number): EncodedRecord => ({ key: Buffer.from('k'), value: Buffer.from(String(record)) }),
  decode: (_key: Uint8Array, value: Uint8Array | null): number => Number(Buffer.from(value!).toString())
}

function setUp(options: Partial<RuntimeOptions<Counter, number>> = {}) {
  const clock = new SimClock(0)
  const log = new MemoryLog()
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const shards: Counter[] = []
  const runtime = new CoordinatorRuntime<Counter, number, Event>({
    topic: 'counts',
    clock,
    log,
    logger: { info: write, warn: write, error: write },
    codec,
    newShard: () => {
      const shard = new Counter()
      shards.push(shard)
      return shard
    },
    ...options
  })
  const add = (amount: number, partition = 0): Promise<number> =>
    runtime.run(
      partition,
      (errorCode) => -errorCode,
      (shard, reply, effects) => {
        effects.emit(amount)
        effects.reply(reply, shard.total)
      }
    )
  return { clock, log, lines, runtime, shards, add, shard: () => shards.at(-1)! }
}

test('the partition of a key is that of Java: hashCode, sign cleared, modulo', (t) => {
  t.is(partitionFor('', 50), 0)
  t.is(partitionFor('a', 50), 97 % 50)
  t.is(partitionFor('group-classic', 1), 0)
  // "polygenelubricants".hashCode() is Integer.MIN_VALUE.
  t.is(partitionFor('polygenelubricants', 50), 0)
  t.is(partitionFor('console-consumer-12345', 50), 6)
  t.is(partitionFor('grüppe', 50), 36)
})

test('requests are refused before an election, while loading, after a resignation, after the end', async (t) => {
  const { runtime, log, add } = setUp()
  t.is(await add(1), -ErrorCode.NOT_COORDINATOR)
  let open = (): void => {}
  log.loadGate = new Promise((resolve) => (open = resolve))
  const loaded = runtime.elect(0)
  t.is(await add(1), -ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  open()
  await loaded
  t.is(await add(1), 1)
  t.deepEqual(runtime.partitions(), [0])
  runtime.resign(0)
  t.is(await add(1), -ErrorCode.NOT_COORDINATOR)
  await runtime.close()
  t.is(await add(1), -ErrorCode.COORDINATOR_NOT_AVAILABLE)
})

test('a shard that was resigned while it loaded does not come to life', async (t) => {
  const { runtime, log, add, clock } = setUp()
  let open = (): void => {}
  log.loadGate = new Promise((resolve) => (open = resolve))
  const loaded = runtime.elect(0)
  runtime.resign(0)
  open()
  await loaded
  await turn()
  t.is(clock.pending, 0)
  t.is(await add(1), -ErrorCode.NOT_COORDINATOR)
})

test('operations of one turn share a batch, and their answers wait for it', async (t) => {
  const { runtime, log, add } = setUp()
  await runtime.elect(0)
  log.hold()
  const answers = [add(1), add(2), add(3)]
  const read = runtime.run<number>(
    0,
    () => -1,
    (shard, reply, effects) => effects.reply(reply, shard.total)
  )
  let answered = 0
  for (const answer of [...answers, read]) void answer.then(() => answered++)
  await turn()
  t.is(answered, 0)
  log.release()
  t.deepEqual(await Promise.all([...answers, read]), [1, 3, 6, 6])
  t.deepEqual(log.batchSizes(0), [3])
})

test('while appends are under way operations gather in the next batch', async (t) => {
  const { runtime, log, add } = setUp()
  await runtime.elect(0)
  log.hold()
  const answers: Promise<number>[] = []
  for (let n = 0; n < 10; n++) {
    answers.push(add(1))
    await turn()
  }
  log.release()
  await Promise.all(answers)
  t.deepEqual(log.batchSizes(0), [1, 1, 1, 1, 6])
})

test('a batch ends at its limit; one large record is a batch of its own', async (t) => {
  const { runtime, log, add } = setUp()
  // 64 bytes for the batch, 34 for each small record: two fit.
  log.batchLimit = 64 + 2 * 34
  await runtime.elect(0)
  await Promise.all([add(1), add(2), add(3), add(2 ** 1000)])
  t.deepEqual(log.batchSizes(0), [2, 1, 1])
})

test('what was written is there after a restart, of each partition its own', async (t) => {
  const { runtime, log, add } = setUp()
  await Promise.all([runtime.elect(0), runtime.elect(7)])
  await Promise.all([add(1), add(2), add(40, 7)])
  const again = new CoordinatorRuntime<Counter, number, Event>({
    topic: 'counts',
    clock: new SimClock(),
    log,
    logger: { info() {}, warn() {}, error() {} },
    codec,
    newShard: () => new Counter()
  })
  await Promise.all([again.elect(0), again.elect(7)])
  const total = (partition: number): Promise<number> =>
    again.run<number>(
      partition,
      () => -1,
      (shard, reply, effects) => effects.reply(reply, shard.total)
    )
  t.is(await total(0), 3)
  t.is(await total(7), 40)
})

test('a failed write drops the shard with all its answers; those before it stand', async (t) => {
  const { runtime, log, add, clock, shard, shards, lines } = setUp()
  await runtime.elect(0)
  await clock.advance(2000)
  log.hold()
  const good = add(1)
  await turn()
  log.failNext(ErrorCode.KAFKA_STORAGE_ERROR)
  const bad = add(2)
  await turn()
  log.failNext(ErrorCode.KAFKA_STORAGE_ERROR)
  const behind = add(4)
  const parked = runtime.run<number>(
    0,
    (errorCode) => -errorCode,
    (held, reply) => void (held.parked = reply)
  )
  await turn()
  log.release()
  t.is(await good, 1)
  t.is(await bad, -ErrorCode.NOT_COORDINATOR)
  t.is(await behind, -ErrorCode.NOT_COORDINATOR)
  t.is(await parked, -ErrorCode.NOT_COORDINATOR)
  await turn()
  t.is(shards.length, 2)
  t.is(shard().total, 1)
  t.is(await add(8), 9)
  t.is(lines.filter((line) => line.includes('counts-0')).length, 2)
})

test('an operation that fails by a bug rejects, and its half of a change is gone', async (t) => {
  const { runtime, add, clock, shard } = setUp()
  await runtime.elect(0)
  await clock.advance(2000)
  t.is(await add(1), 1)
  const broken = runtime.run<number>(
    0,
    () => -1,
    (held) => {
      held.total = 1000
      throw new Error('a bug')
    }
  )
  await t.throwsAsync(broken, { message: 'a bug' })
  await turn()
  t.is(await add(1), 2)
  t.is(shard().total, 2)
})

test('a partition that cannot be loaded is tried again', async (t) => {
  const { runtime, log, add, clock, lines } = setUp()
  log.loadError = new Error('EIO')
  const loaded = runtime.elect(0)
  await turn()
  t.is(await add(1), -ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  t.true(lines[0]!.includes('EIO'))
  log.loadError = undefined
  await clock.advance(1000)
  await loaded
  t.is(await add(1), 1)
})

test('timers: replaced, moved, cancelled, by name; lost with the shard', async (t) => {
  const { runtime, clock, shard } = setUp()
  await runtime.elect(0)
  const first = shard()
  runtime.runOnAll((_shard, effects) => {
    effects.schedule('a', 100, { name: 'a' })
    effects.schedule('b', 100, { name: 'b' })
    effects.schedule('c', 100, { name: 'c' })
    effects.cancel('c')
    effects.schedule('a', 50, { name: 'a sooner' })
    effects.schedule('b', 150, { name: 'b later' })
    effects.schedule('emit', 160, { name: 'emit' })
  })
  await clock.advance(149)
  t.deepEqual(first.seen, ['loaded@10', 'a sooner@50'])
  await clock.advance(11)
  t.deepEqual(first.seen.slice(2), ['b later@150', 'emit@160'])
  t.is(first.total, 100)
  runtime.runOnAll((_shard, effects) => effects.schedule('a', 100, { name: 'a' }))
  runtime.resign(0)
  t.is(clock.pending, 0)
})

test('requests that have arrived already are handled before a timer may act', async (t) => {
  const { runtime, clock, shard } = setUp({
    beforeTimers: () => {
      if (clock.now() < 400) runtime.runOnAll((_shard, effects) => effects.schedule('session', 100, { name: 'expired' }))
    }
  })
  await runtime.elect(0)
  runtime.runOnAll((_shard, effects) => effects.schedule('session', 100, { name: 'expired' }))
  await clock.advance(1000)
  t.deepEqual(shard().seen, ['loaded@10', 'expired@410'])
})

test('news for all shards reach one that is loading when it is loaded', async (t) => {
  const { runtime, log, shard } = setUp()
  let open = (): void => {}
  log.loadGate = new Promise((resolve) => (open = resolve))
  void runtime.elect(0)
  runtime.runOnAll((_shard, effects) => effects.emit(5))
  open()
  await runtime.whenLoaded()
  await turn()
  t.is(shard().total, 5)
  t.deepEqual(log.batchSizes(0), [1])
})

test('closing waits for what is being written, and answers what is parked', async (t) => {
  const { runtime, log, add } = setUp()
  await runtime.elect(0)
  log.hold()
  const written = add(1)
  const parked = runtime.run<number>(
    0,
    (errorCode) => -errorCode,
    (held, reply) => void (held.parked = reply)
  )
  const closed = runtime.close()
  t.is(await parked, -ErrorCode.COORDINATOR_NOT_AVAILABLE)
  log.release()
  await closed
  t.is(await written, 1)
  t.deepEqual(log.batchSizes(0), [1])
})
