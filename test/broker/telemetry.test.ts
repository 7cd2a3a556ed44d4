/** Metrics that clients push: who pushes what and when, under a clock that stands still, and what is made of hostile bytes. */
import test from 'ava'
import fc from 'fast-check'
import { ClientMetrics, type GrantedSubscription, type Push } from '../../src/broker/telemetry/client-metrics.js'
import { decodeMetrics } from '../../src/broker/telemetry/otlp.js'
import { Subscriptions } from '../../src/broker/telemetry/subscriptions.js'
import { WireError } from '../../src/errors.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { compress, Compression } from '../../src/record/compression.js'
import { SimClock } from '../coordinator/support/sim-clock.js'

const ZERO = 'AAAAAAAAAAAAAAAAAAAAAA'
const CLIENT = { connection: 1, clientId: 'app-1', clientAddress: '10.0.0.1', clientPort: 4321 }
const { NONE, INVALID_REQUEST, INVALID_RECORD, THROTTLING_QUOTA_EXCEEDED: TOO_SOON, UNKNOWN_SUBSCRIPTION_ID: UNKNOWN } = ErrorCode

/** Protobuf by hand: what clients send, made without the code that reads it. */
function field(number: number, content: Buffer | number): Buffer {
  if (typeof content === 'number') return Buffer.from([number << 3, content])
  const length = content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7]
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content])
}

function fixed64(number: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = (number << 3) | 1
  write(bytes.subarray(1))
  return bytes
}

function point(value: number | bigint, attributes: Readonly<Record<string, string>> = {}): Buffer {
  const pairs = Object.entries(attributes).map(([key, text]) =>
    field(7, Buffer.concat([field(1, Buffer.from(key)), field(2, field(1, Buffer.from(text)))]))
  )
  const number =
    typeof value === 'bigint' ? fixed64(6, (bytes) => bytes.writeBigInt64LE(value)) : fixed64(4, (bytes) => bytes.writeDoubleLE(value))
  return field(1, Buffer.concat([...pairs, number]))
}

function metric(name: string, kind: 'gauge' | 'delta' | 'total', ...points: Buffer[]): Buffer {
  const series = kind === 'gauge' ? points : [...points, field(2, kind === 'delta' ? 1 : 2)]
  return field(2, Buffer.concat([field(1, Buffer.from(name)), field(kind === 'gauge' ? 5 : 7, Buffer.concat(series))]))
}

function metricsData(...metrics: Buffer[]): Buffer {
  return field(1, field(2, Buffer.concat(metrics)))
}

function subscriptions(...resources: Record<string, string>[]): Subscriptions {
  return new Subscriptions(
    resources.map((settings, at) => [`s${at}`, new Map(Object.entries(settings))] as const),
    (message) => {
      throw new Error(message)
    }
  )
}

function telemetry(clock = new SimClock(), maxBytes = 10_000) {
  let ids = 0
  const metrics = new ClientMetrics({ clock, maxBytes: () => maxBytes, newUuid: () => `id${String(++ids).padStart(20, '0')}` })
  metrics.introduced(1, 'apache-kafka-java', '4.3.1')
  metrics.subscribe(subscriptions({ 'interval.ms': '1000', metrics: 'org.apache.kafka,foo', match: 'client_id=app.*' }))
  const get = (id = ZERO): GrantedSubscription | number => metrics.subscriptionOf(CLIENT, id)
  const granted = (id?: string): GrantedSubscription => get(id) as GrantedSubscription
  const push = ({ clientInstanceId, id }: GrantedSubscription, more: Partial<Push> = {}): Promise<number> =>
    metrics.push(CLIENT, {
      clientInstanceId,
      subscriptionId: id,
      terminating: false,
      compressionType: 0,
      metrics: Buffer.alloc(0),
      ...more
    })
  return { clock, metrics, get, granted, push }
}

test('a client gets an id and what the subscriptions that match it ask for', (t) => {
  const { metrics, granted } = telemetry()
  const first = granted()
  t.deepEqual([first.intervalMs, first.metrics], [1000, ['foo', 'org.apache.kafka']])
  t.not(first.clientInstanceId, ZERO)
  const other = metrics.subscriptionOf({ ...CLIENT, clientId: 'another' }, ZERO) as GrantedSubscription
  t.deepEqual([other.intervalMs, other.metrics], [300_000, []])
  t.not(other.id, first.id)
})

test('several subscriptions are one: all metrics, the shortest interval; * is all of them', (t) => {
  const { metrics, granted } = telemetry()
  metrics.subscribe(
    subscriptions({ 'interval.ms': '5000', metrics: 'a,b' }, { 'interval.ms': '2000', metrics: 'b,c' }, { match: 'client_id=no' })
  )
  t.deepEqual([granted().intervalMs, granted().metrics], [2000, ['a', 'b', 'c']])
  metrics.subscribe(subscriptions({ metrics: 'a' }, { metrics: '*' }))
  t.deepEqual(granted().metrics, ['*'])
})

test('clients are matched by every trait, as a whole', (t) => {
  const { metrics, granted } = telemetry()
  const traits = [
    'client_id=app-1',
    'client_software_name=apache.*java',
    'client_software_version=4\\..*',
    'client_source_address=10.0.0.1',
    'client_source_port=4321',
    'client_instance_id=id0*1'
  ]
  for (const match of traits) {
    metrics.subscribe(subscriptions({ metrics: 'a', match }))
    t.deepEqual(granted('id00000000000000000001').metrics, ['a'], match)
    metrics.subscribe(subscriptions({ metrics: 'a', match: `${match}x` }))
    t.deepEqual(granted('id00000000000000000001').metrics, [], match)
  }
  metrics.subscribe(subscriptions({ metrics: 'a', match: 'client_id=app' }))
  t.deepEqual(granted('id00000000000000000002').metrics, [])
})

test('pushes and questions come once an interval; an unknown subscription may be asked about at once', async (t) => {
  const { clock, get, granted, push } = telemetry()
  const subscription = granted()
  t.is(get(subscription.clientInstanceId), TOO_SOON)
  t.is(await push(subscription, { subscriptionId: 1 }), UNKNOWN)
  t.is((get(subscription.clientInstanceId) as GrantedSubscription).id, subscription.id)
  t.is(await push(subscription), TOO_SOON)
  await clock.advance(1000)
  t.is(await push(subscription), NONE)
  t.is(await push(subscription), TOO_SOON)
  await clock.advance(1000)
  t.is(await push(subscription, { compressionType: 9 }), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
  await clock.advance(1000)
  t.is(await push(subscription, { metrics: Buffer.alloc(10_001) }), ErrorCode.TELEMETRY_TOO_LARGE)
  t.is(await push(subscription, { clientInstanceId: ZERO }), INVALID_REQUEST)
  t.is(await push(subscription, { clientInstanceId: 'AbCdEfGhIjKlMnOpQrStUg' }), UNKNOWN)
  t.is(await push(subscription, { terminating: true }), NONE, 'the last one comes when the client ends')
  t.is(await push(subscription, { terminating: true }), INVALID_REQUEST)
  t.is(await push(subscription), INVALID_REQUEST)
})

test('the first push may come right after the first question', async (t) => {
  const { clock, granted, push } = telemetry()
  await clock.advance(5)
  t.is(await push(granted()), NONE)
})

test('a client whose subscription changed learns of it with its next push, and may ask at once', async (t) => {
  const { clock, metrics, granted, push } = telemetry()
  const before = granted()
  metrics.subscribe(subscriptions({ 'interval.ms': '1000', metrics: 'bar' }))
  t.is(await push(before), UNKNOWN)
  const after = granted(before.clientInstanceId)
  t.deepEqual(after.metrics, ['bar'])
  t.not(after.id, before.id)
  t.is(await push(after), TOO_SOON)
  await clock.advance(1000)
  t.is(await push(after), NONE)
})

test('the newest value is kept, by name and attributes; what was added is summed up', async (t) => {
  const { clock, metrics, granted, push } = telemetry()
  const subscription = granted()
  const send = async (plain: Buffer, compressionType: number) => {
    t.is(await push(subscription, { compressionType, metrics: await compress(compressionType, plain) }), NONE)
    await clock.advance(1000)
  }
  await send(
    metricsData(metric('lag', 'gauge', point(1.5, { topic: 'a' }), point(2.5, { topic: 'b' })), metric('sent', 'delta', point(10n))),
    Compression.none
  )
  await send(metricsData(metric('lag', 'gauge', point(3, { topic: 'a' })), metric('sent', 'delta', point(5n))), Compression.gzip)
  await send(metricsData(metric('sent', 'delta', point(1n)), metric('up', 'total', point(7))), Compression.zstd)
  await send(metricsData(metric('up', 'total', point(9))), Compression.lz4)
  await send(metricsData(), Compression.snappy)
  const [seen] = metrics.snapshot()
  t.deepEqual(
    [seen?.clientId, seen?.softwareName, seen?.softwareVersion, seen?.address, seen?.pushes],
    ['app-1', 'apache-kafka-java', '4.3.1', '10.0.0.1', 5]
  )
  t.deepEqual(seen?.metrics, [
    { name: 'lag', attributes: 'topic=a', value: 3 },
    { name: 'lag', attributes: 'topic=b', value: 2.5 },
    { name: 'sent', attributes: '', value: 16 },
    { name: 'up', attributes: '', value: 9 }
  ])
  await clock.advance(70_000)
  t.deepEqual(metrics.snapshot(), [], 'a client that is silent is gone')
})

test('what can not be decompressed or read is refused, and what expands too much', async (t) => {
  const { clock, granted, push } = telemetry()
  const subscription = granted()
  const next = async (more: Partial<Push>) => {
    const code = await push(subscription, more)
    await clock.advance(1000)
    return code
  }
  t.is(await next({ metrics: Buffer.from('garbage') }), INVALID_RECORD)
  for (const compressionType of [1, 2, 3, 4]) t.is(await next({ compressionType, metrics: Buffer.from('garbage') }), INVALID_RECORD)
  const bomb = await compress(Compression.gzip, Buffer.alloc(200_000))
  t.is(await next({ compressionType: 1, metrics: bomb }), ErrorCode.TELEMETRY_TOO_LARGE)
})

test('clients, metrics and names are bounded', async (t) => {
  const { metrics, granted, push } = telemetry(new SimClock(), 1 << 20)
  const many = Array.from({ length: 2000 }, (_, at) => metric(`m${at}`, 'gauge', point(at)))
  const scope = Buffer.concat(many)
  // Lengths above 2^14 need three bytes.
  const long = (number: number, content: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from([(number << 3) | 2, (content.length & 127) | 128, ((content.length >> 7) & 127) | 128, content.length >> 14]),
      content
    ])
  t.is(await push(granted(), { metrics: long(1, long(2, scope)) }), NONE)
  t.is(metrics.snapshot()[0]?.metrics.length, 500)
  const named = decodeMetrics(metricsData(metric('n'.repeat(4000), 'gauge', point(1))), 10)
  t.is(named[0]?.name.length, 256)
  for (let count = 0; count < 5000; count++) granted()
  t.true(metrics.snapshot().length <= 2000)
})

test('any bytes are metrics or malformed, never worse', (t) => {
  const valid = metricsData(metric('lag', 'gauge', point(1.5, { topic: 'a' })), metric('sent', 'delta', point(10n)))
  const read = (bytes: Buffer): void => {
    try {
      decodeMetrics(bytes, 100)
    } catch (error) {
      t.true(error instanceof WireError || error instanceof RangeError, String(error))
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => read(Buffer.from(bytes))),
    { numRuns: 500 }
  )
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(valid)
      changed[at] = byte
      read(changed)
      read(changed.subarray(0, at))
    }),
    { numRuns: 500 }
  )
})
