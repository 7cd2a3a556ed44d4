/** What quotas measure and how long clients wait, under a clock that stands still. The figures are those of Apache Kafka 4.3.1. */
import test from 'ava'
import { ClientQuotas } from '../../src/broker/quotas/client-quotas.js'
import { QuotaLimits, QuotaType } from '../../src/broker/quotas/limits.js'
import { RateMeter, TokenBucket } from '../../src/broker/quotas/meters.js'
import type { QuotaEntity } from '../../src/metadata/client-quota-image.js'
import { SimClock } from '../coordinator/support/sim-clock.js'

const WINDOWS = { count: 11, sizeMs: 1000 }

function entity(parts: Record<string, string | null>, limits: Record<string, number>): QuotaEntity {
  return { parts: new Map(Object.entries(parts)), limits: new Map(Object.entries(limits)) }
}

function quotas(clock: SimClock, ...entities: QuotaEntity[]): ClientQuotas {
  const made = new ClientQuotas(clock, { clients: WINDOWS, controller: WINDOWS })
  made.set(entities)
  return made
}

test('a burst passes that ten windows can make up for; beyond it one waits until the rate is met', (t) => {
  const meter = new RateMeter(WINDOWS, 0)
  meter.record(10_000, 0)
  t.is(meter.throttleMs(2000, 0), 0)
  meter.record(10_000, 10)
  t.is(Math.round(meter.rate(10)), 1998)
  t.is(meter.throttleMs(2000, 10), 0)
  meter.record(10_000, 20)
  // 30,000 bytes take 15 s at 2,000 a second, and 10.02 s are counted.
  t.is(meter.throttleMs(2000, 20), 4980)
})

test('what is older than all windows is forgotten', (t) => {
  const meter = new RateMeter(WINDOWS, 0)
  meter.record(1_000_000, 0)
  t.true(meter.rate(10_999) > 0)
  t.is(meter.rate(11_000), 0)
  t.is(meter.throttleMs(1, 60_000), 0)
})

test('who waits as long as it is told gets about what the quota allows', (t) => {
  for (const limit of [1000, 123_456]) {
    for (const use of [0.1, 0.5, 2, 5]) {
      const meter = new RateMeter(WINDOWS, 0)
      let now = 0
      let total = 0
      while (now < 600_000) {
        meter.record(limit * use, now)
        total += limit * use
        now += Math.max(1, meter.throttleMs(limit, now))
      }
      const got = total / (now / 1000) / limit
      t.true(got > 0.7 && got < 1.3, `limit ${limit}, use ${use}: ${got}`)
    }
  }
})

test('tokens are saved for the length of the windows, and a debt is paid at their rate', (t) => {
  const bucket = new TokenBucket(WINDOWS, 0)
  t.is(bucket.tokens(1, 0), 11)
  bucket.take(16, 1, 0)
  t.is(bucket.throttleMs(1, 0), 5000)
  t.is(bucket.throttleMs(1, 4000), 1000)
  t.is(bucket.throttleMs(1, 5000), 0)
  t.is(bucket.tokens(1, 60_000), 11)
})

test('the most specific quota holds, and says who shares it', (t) => {
  const type = QuotaType.produce
  const all: QuotaEntity[] = [
    entity({ 'client-id': null }, { [type]: 8 }),
    entity({ 'client-id': 'c' }, { [type]: 7 }),
    entity({ user: null }, { [type]: 6 }),
    entity({ user: null, 'client-id': null }, { [type]: 5 }),
    entity({ user: null, 'client-id': 'c' }, { [type]: 4 }),
    entity({ user: 'u' }, { [type]: 3 }),
    entity({ user: 'u', 'client-id': null }, { [type]: 2 }),
    entity({ 'client-id': 'c', user: 'u' }, { [type]: 1 })
  ]
  const expected = ['["u","c"]', '["u","c"]', '["u",0]', '["u","c"]', '["u","c"]', '["u",0]', '[0,"c"]', '[0,"c"]']
  for (let value = 1; value <= 8; value++) {
    const limits = new QuotaLimits(all.slice(0, 9 - value))
    t.deepEqual(limits.of(type, 'u', 'c'), { value, sharedBy: expected[value - 1]! })
  }
  t.is(new QuotaLimits(all).of(QuotaType.consume, 'u', 'c'), undefined)
  t.is(new QuotaLimits(all.slice(1, 2)).of(type, 'u', 'another'), undefined)
})

test('clients that share a quota use it up together; others have their own', (t) => {
  const clock = new SimClock()
  const shared = quotas(clock, entity({ user: null }, { producer_byte_rate: 100 }))
  t.is(shared.produced({ clientId: 'a' }, 1000), 0)
  t.true(shared.produced({ clientId: 'b' }, 1000) > 0)
  const own = quotas(clock, entity({ 'client-id': null }, { producer_byte_rate: 100 }))
  t.is(own.produced({ clientId: 'a' }, 1000), 0)
  t.is(own.produced({ clientId: 'b' }, 1000), 0)
  t.is(own.produced({ clientId: null }, 1000), 0)
})

test('a fetch that has to wait costs nothing, so that it passes when the windows are over', async (t) => {
  const clock = new SimClock()
  const limited = quotas(clock, entity({ 'client-id': 'c' }, { consumer_byte_rate: 1000 }))
  t.is(limited.mostFetchBytes({ clientId: 'c' }), 10_000)
  t.is(limited.mostFetchBytes({ clientId: 'another' }), Infinity)
  t.is(limited.fetched({ clientId: 'c' }, 10_000), 0)
  for (let again = 0; again < 5; again++) t.is(limited.fetched({ clientId: 'c' }, 10_000), 10_000)
  await clock.advance(11_000)
  t.is(limited.fetched({ clientId: 'c' }, 10_000), 0)
})

test('time that is spent on a client counts in percent, and the wait is at most a window', (t) => {
  const clock = new SimClock()
  const limited = quotas(clock, entity({ 'client-id': 'c' }, { request_percentage: 1 }))
  limited.worked({ clientId: 'c' }, 100)
  t.is(limited.overRequestTime({ clientId: 'c' }), 0)
  limited.worked({ clientId: 'c' }, 5)
  t.is(limited.overRequestTime({ clientId: 'c' }), 500)
  limited.worked({ clientId: 'c' }, 5000)
  t.is(limited.overRequestTime({ clientId: 'c' }), 1000)
  t.is(limited.overRequestTime({ clientId: 'another' }), 0)
})

test('changes: strict ones are refused while there is a debt, others are done and paid for', async (t) => {
  const clock = new SimClock()
  const limited = quotas(clock, entity({ 'client-id': 'c' }, { controller_mutation_rate: 1 }))
  const strict = (): readonly [boolean, boolean, number] => {
    const mutation = limited.mutation({ clientId: 'c' }, true)
    return [mutation.allows(8), mutation.allows(8), mutation.throttleMs]
  }
  t.deepEqual(strict(), [true, true, 0])
  t.deepEqual(strict(), [false, false, 5000])
  await clock.advance(5000)
  t.deepEqual(strict(), [true, false, 8000])
  await clock.advance(8000)
  const lenient = limited.mutation({ clientId: 'c' }, false)
  t.true(lenient.allows(8))
  t.is(lenient.throttleMs, 8000)
  t.true(limited.mutation({ clientId: 'another' }, true).allows(1e6))
})

test('connections of an address: its own quota, or that of all', async (t) => {
  const clock = new SimClock()
  const limited = quotas(
    clock,
    entity({ ip: '10.0.0.1' }, { connection_creation_rate: 2 }),
    entity({ ip: null }, { connection_creation_rate: 1 })
  )
  t.false(limited.active)
  t.true(limited.addressesActive)
  const accepted = (address: string) => Array.from({ length: 50 }, () => limited.connected(address)).filter((wait) => wait === 0).length
  t.is(accepted('10.0.0.1'), 20)
  t.is(accepted('10.0.0.2'), 10)
  t.is(limited.connected('10.0.0.2'), 1000)
  await clock.advance(20_000)
  t.is(accepted('10.0.0.2'), 10)
})

test('a quota that is changed holds at once, for what was used before as well', (t) => {
  const clock = new SimClock()
  const limited = quotas(clock, entity({ 'client-id': 'c' }, { producer_byte_rate: 1000 }))
  t.is(limited.produced({ clientId: 'c' }, 10_000), 0)
  limited.set([entity({ 'client-id': 'c' }, { producer_byte_rate: 500 })])
  t.true(limited.produced({ clientId: 'c' }, 0) > 0)
  limited.set([])
  t.false(limited.active)
  t.is(limited.produced({ clientId: 'c' }, 1e9), 0)
})

test('client ids are made up by clients: what is kept of them is bounded', (t) => {
  const clock = new SimClock()
  const limited = quotas(clock, entity({ 'client-id': null }, { producer_byte_rate: 1000 }))
  for (let id = 0; id < 30_000; id++) limited.produced({ clientId: `c${id}` }, 10)
  t.is(limited.produced({ clientId: 'c29999' }, 9990), 0)
  t.true(limited.produced({ clientId: 'c29999' }, 100) > 0)
  // Long ones are told apart as well, and not kept as they are.
  const long = (end: string) => ({ clientId: `${'x'.repeat(32_000)}${end}` })
  t.is(limited.produced(long('1'), 10_000), 0)
  t.true(limited.produced(long('1'), 10_000) > 0)
  t.is(limited.produced(long('2'), 10_000), 0)
  const before = process.memoryUsage().heapUsed
  for (let id = 0; id < 5000; id++) limited.produced(long(`-${id}`), 10)
  t.true(process.memoryUsage().heapUsed - before < 100 * 1024 * 1024)
})
