/** Quotas over a socket: what is set and described, who waits and for how long, and that a restart keeps them. */
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { describeClientQuotas } from '../../src/protocol/messages/48-describe-client-quotas.js'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.js'
import { buildBatch } from '../../src/record/builder.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { Closed, RawClient } from '../support/raw-client.js'
import { ownedTempDir } from '../support/temp-dir.js'

type Entity = Readonly<Record<string, string | null>>
/** A limit to set; null removes. */
type Limits = Readonly<Record<string, number | null>>

/** What RawClient calls itself. */
const RAW: Entity = { 'client-id': 'raw' }
const oursTest = foreignBroker ? test.skip : test

async function opened(t: ExecutionContext, broker: TestBroker): Promise<RawClient> {
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  return client
}

async function started(t: ExecutionContext, options: Parameters<typeof startBroker>[0] = {}) {
  const broker = await startBroker({ topics: { a: 1 }, ...options })
  t.teardown(() => broker.stop())
  return { broker, client: await opened(t, broker) }
}

async function set(client: RawClient, entity: Entity, limits: Limits, validateOnly = false) {
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
  const ops = Object.entries(limits).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null }))
  const { entries } = await client.request(alterClientQuotas, 1, { entries: [{ entity: parts, ops }], validateOnly })
  return entries[0]!.errorCode
}

async function described(client: RawClient, components: readonly (readonly [string, number, string | null])[] = [], strict = false) {
  const answer = await client.request(describeClientQuotas, 1, {
    components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
    strict
  })
  if (answer.entries === null) return answer.errorCode
  return answer.entries
    .map(({ entity, values }) => [
      entity
        .map(({ entityType, entityName }) => `${entityType}=${entityName}`)
        .toSorted()
        .join(),
      ...values.map(({ key, value }) => `${key}=${value}`).toSorted()
    ])
    .toSorted()
}

function records(bytes: number) {
  return buildBatch([{ value: Buffer.alloc(bytes) }], { timestamp: Date.now() })
}

function produceTo(topic: string, bytes: number, acks = 1) {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 5000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: records(bytes) }] }]
  }
}

function fetchFrom(topic: string, more: object = {}) {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
  return {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    topics: [{ topic, partitions }],
    forgottenTopicsData: [],
    ...more
  }
}

async function timed<R>(run: Promise<R>): Promise<[ms: number, result: R]> {
  const before = performance.now()
  const result = await run
  return [performance.now() - before, result]
}

test('what is not a quota is refused, and nothing of it is kept', async (t) => {
  const { client } = await started(t)
  const refused: readonly (readonly [Entity, Limits])[] = [
    [{}, { producer_byte_rate: 1 }],
    [{ user: '' }, { producer_byte_rate: 1 }],
    [{ shoe: 'x' }, { producer_byte_rate: 1 }],
    [{ ip: '1.2.3.4', user: 'u' }, { connection_creation_rate: 1 }],
    [{ ip: 'no such address!' }, { connection_creation_rate: 1 }],
    [{ ip: '1.2.3.4' }, { connection_creation_rate: 1.5 }],
    [{ ip: '1.2.3.4' }, { connection_creation_rate: 3e9 }],
    [{ user: 'u' }, { connection_creation_rate: 1 }],
    [{ user: 'u' }, { nothing: 1 }],
    [{ user: 'u' }, { producer_byte_rate: 5.5 }],
    [{ user: 'u' }, { producer_byte_rate: 1e19 }],
    [{ user: 'u' }, { producer_byte_rate: 0 }],
    [{ user: 'u' }, { consumer_byte_rate: -1 }],
    [{ user: 'u' }, { producer_byte_rate: 5, consumer_byte_rate: 0 }]
  ]
  for (const [entity, limits] of refused)
    t.is(await set(client, entity, limits), ErrorCode.INVALID_REQUEST, JSON.stringify([entity, limits]))
  t.is(await set(client, { user: 'u' }, { nothing: null }), ErrorCode.NONE, 'removing what is not there')
  t.is(await set(client, { user: 'u' }, { producer_byte_rate: 5 }, true), ErrorCode.NONE, 'only to see whether it would work')
  t.deepEqual(await described(client, [['user', 0, 'u']]), [])
})

oursTest('quotas are described by filter', async (t) => {
  const { client } = await started(t)
  await set(client, { user: 'u' }, { producer_byte_rate: 1000, request_percentage: 12.5 })
  await set(client, { user: null, 'client-id': 'c' }, { consumer_byte_rate: 77 })
  await set(client, { ip: null }, { connection_creation_rate: 9 })
  const user = ['user=u', 'producer_byte_rate=1000', 'request_percentage=12.5']
  const both = ['client-id=c,user=null', 'consumer_byte_rate=77']
  t.deepEqual(await described(client), [both, ['ip=null', 'connection_creation_rate=9'], user])
  t.deepEqual(await described(client, [], true), [])
  t.deepEqual(await described(client, [['user', 0, 'u']]), [user])
  t.deepEqual(await described(client, [['user', 1, null]]), [both])
  t.deepEqual(await described(client, [['user', 2, null]]), [both, user])
  t.deepEqual(await described(client, [['user', 2, null]], true), [user])
  const wrong: readonly (readonly (readonly [string, number, string | null])[])[] = [
    [['user', 0, null]],
    [['user', 1, 'x']],
    [['user', 2, 'x']],
    [['user', 3, null]],
    [['', 2, null]],
    [
      ['user', 2, null],
      ['user', 0, 'u']
    ],
    [
      ['ip', 2, null],
      ['user', 0, 'u']
    ]
  ]
  for (const filter of wrong) t.is(await described(client, filter), ErrorCode.INVALID_REQUEST, JSON.stringify(filter))
  t.is(await described(client, [['shoe', 2, null]]), ErrorCode.UNSUPPORTED_VERSION)
})

test('a producer over its quota is answered at once, and served again after the wait', async (t) => {
  const { broker, client } = await started(t)
  await set(client, RAW, { producer_byte_rate: 10_000 })
  const send = (bytes: number) => timed(client.request(produce, 9, produceTo('a', bytes)))
  const [, first] = await send(95_000)
  t.is(first.throttleTimeMs, 0, 'ten windows of the quota')
  const [quick, second] = await send(25_000)
  t.true(second.throttleTimeMs > 300 && second.throttleTimeMs < 2100, `${second.throttleTimeMs}`)
  t.is(second.responses[0]?.partitionResponses[0]?.errorCode, ErrorCode.NONE)
  t.true(quick < second.throttleTimeMs)
  const [waited] = await timed(client.request(metadata, 9, { topics: [] }))
  t.true(waited > second.throttleTimeMs - 150, `${waited} of ${second.throttleTimeMs} ms`)
  // A producer that wants no answer waits as well.
  await set(client, RAW, { producer_byte_rate: 9000 })
  client.post(produce, 9, produceTo('a', 1000, 0))
  const [silent] = await timed(client.request(metadata, 9, { topics: [] }))
  t.true(silent > 300, `${silent}`)
  const other = await opened(t, broker)
  await set(other, RAW, { producer_byte_rate: null })
  const [, free] = await timed(other.request(produce, 9, produceTo('a', 200_000)))
  t.is(free.throttleTimeMs, 0)
})

test('what was sent before the answer came is served; what comes after it waits', async (t) => {
  const { client } = await started(t)
  await set(client, RAW, { producer_byte_rate: 100_000 })
  const sent = Array.from({ length: 4 }, () => client.post(produce, 9, produceTo('a', 300_000)))
  for (const _ of sent) await client.frame()
  const [ms] = await timed(client.request(metadata, 9, { topics: [] }))
  t.true(ms > 300, `${ms}`)
})

oursTest('a consumer over its quota gets nothing now, its session goes on, and a fetch larger than the quota allows is cut', async (t) => {
  const { broker, client } = await started(t)
  for (let count = 0; count < 30; count++) await client.request(produce, 9, produceTo('a', 1000))
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 2000 }]
  const opening = { sessionId: 0, sessionEpoch: 0, topics: [{ topic: 'a', partitions }] }
  const first = await client.request(fetch, 12, fetchFrom('a', opening))
  t.not(first.sessionId, 0)
  await set(client, RAW, { consumer_byte_rate: 300 })
  const next = (sessionEpoch: number) => client.request(fetch, 12, fetchFrom('a', { sessionId: first.sessionId, sessionEpoch, topics: [] }))
  const whole = await next(1)
  t.is(whole.throttleTimeMs, 0)
  t.true((whole.responses[0]?.partitions[0]?.records?.length ?? 0) > 1000, 'within ten windows')
  const throttled = await next(2)
  t.true(throttled.throttleTimeMs > 1000)
  t.deepEqual([throttled.errorCode, throttled.sessionId, throttled.responses.length], [0, first.sessionId, 0])
  const other = await opened(t, broker)
  await set(other, RAW, { consumer_byte_rate: 500 })
  const refused = await other.request(fetch, 12, fetchFrom('a', { sessionId: 0, sessionEpoch: 0 }))
  t.true(refused.throttleTimeMs > 0, 'the quota is of the client id, whatever the connection')
  t.is(refused.sessionId, 0, 'no session begins')
  const third = await opened(t, broker)
  await set(third, RAW, { consumer_byte_rate: 1_000_000 })
  const { throttleTimeMs, responses } = await third.request(fetch, 12, fetchFrom('a'))
  t.is(throttleTimeMs, 0)
  t.true((responses[0]?.partitions[0]?.records?.length ?? 0) > 30_000)
})

test('a share of the time of the broker: the wait is at most a window', async (t) => {
  const { broker, client } = await started(t)
  await set(client, RAW, { request_percentage: 0.0001 })
  const answer = await client.request(metadata, 9, { topics: [{ name: 'a' }] })
  t.is(answer.throttleTimeMs, 1000)
  const other = await opened(t, broker)
  await set(other, RAW, { request_percentage: null })
})

test('topics that are created and deleted: too many are refused, or paid for by waiting', async (t) => {
  const { client } = await started(t)
  await set(client, RAW, { controller_mutation_rate: 10 })
  const create = (version: number, ...names: string[]) =>
    client.request(createTopics, version, {
      topics: names.map((name) => ({ name, numPartitions: 80, replicationFactor: 1, assignments: [], configs: [] })),
      timeoutMs: 5000,
      validateOnly: true
    })
  const codes = ({ topics }: Awaited<ReturnType<typeof create>>) => topics.map(({ errorCode }) => errorCode)
  const first = await create(7, 'x', 'y')
  t.deepEqual([codes(first), first.throttleTimeMs], [[0, 0], 0])
  const second = await create(7, 'x', 'y')
  t.deepEqual(codes(second), [ErrorCode.THROTTLING_QUOTA_EXCEEDED, ErrorCode.THROTTLING_QUOTA_EXCEEDED])
  t.true(second.throttleTimeMs > 1000 && second.throttleTimeMs <= 5000, `${second.throttleTimeMs}`)
  client.close()
})

oursTest('before the error was known, changes over the quota are done', async (t) => {
  const { client, broker } = await started(t)
  await set(client, RAW, { controller_mutation_rate: 0.1 })
  const topics = [{ name: 'x', numPartitions: 12, replicationFactor: 1, assignments: [], configs: [] }]
  const created = await client.request(createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false })
  t.deepEqual([created.topics[0]?.errorCode, created.throttleTimeMs > 100_000 && created.throttleTimeMs < 110_000], [0, true])
  const other = await opened(t, broker)
  const { responses } = await other.request(deleteTopics, 6, {
    topics: [{ name: 'x', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    topicNames: [],
    timeoutMs: 5000
  })
  t.is(responses[0]?.errorCode, ErrorCode.THROTTLING_QUOTA_EXCEEDED)
})

oursTest('connections over the quota of an address are closed after a while, unserved', async (t) => {
  const { broker, client } = await started(t, { settings: { 'quota.window.num': '2' } })
  await set(client, { ip: '127.0.0.1' }, { connection_creation_rate: 2 })
  const clients = await Promise.all(Array.from({ length: 4 }, () => opened(t, broker)))
  const served = await Promise.all(
    clients.map(async (each) => {
      try {
        await each.request(metadata, 9, { topics: [] })
        return true
      } catch (error) {
        t.true(error instanceof Closed)
        return false
      }
    })
  )
  t.deepEqual(served.toSorted(), [false, false, true, true])
  await set(client, { ip: '127.0.0.1' }, { connection_creation_rate: null })
  await (await opened(t, broker)).request(metadata, 9, { topics: [] })
})

oursTest('quotas are in the metadata: a restart keeps them, in force', async (t) => {
  const folder = await ownedTempDir()
  t.teardown(() => folder.remove())
  const before = await startBroker({ dir: folder.dir, topics: { a: 1 } })
  const client = await RawClient.connect(before)
  await set(client, RAW, { producer_byte_rate: 1000, consumer_byte_rate: 5 })
  await set(client, RAW, { consumer_byte_rate: null })
  await set(client, { user: 'gone' }, { consumer_byte_rate: 5 })
  await set(client, { user: 'gone' }, { consumer_byte_rate: null })
  client.close()
  await before.stop()
  const { client: after } = await started(t, { dir: folder.dir })
  t.deepEqual(await described(after), [['client-id=raw', 'producer_byte_rate=1000']])
  t.true((await after.request(produce, 9, produceTo('a', 20_000))).throttleTimeMs > 1000)
})

oursTest('limits of connections change while the broker runs', async (t) => {
  const { broker, client } = await started(t)
  const change = async (name: string, value: string | null) => {
    const configs = [{ name, configOperation: value === null ? 1 : 0, value }]
    const resources = [{ resourceType: 4, resourceName: '', configs }]
    t.is((await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })).responses[0]?.errorCode, 0)
  }
  const served = async () => {
    const other = await opened(t, broker)
    return other.request(metadata, 9, { topics: [] }).then(
      () => true,
      () => false
    )
  }
  await change('max.connections.per.ip', '1')
  t.false(await served())
  await change('max.connections.per.ip', null)
  t.true(await served())
  await change('max.connections', '1')
  const waiting = served()
  await change('max.connections', null)
  t.true(await waiting, 'it was accepted later')
  await change('max.connection.creation.rate', '1')
  for (let count = 0; count < 11; count++) await opened(t, broker)
  const [late, ok] = await timed(served())
  t.true(ok && late > 300, `${late}`)
})

oursTest('one listener has limits of its own, from the start and while the broker runs', async (t) => {
  const settings = {
    listeners: 'ONE://127.0.0.1:0,TWO://127.0.0.1:0',
    'listener.security.protocol.map': 'ONE:PLAINTEXT,TWO:PLAINTEXT',
    'inter.broker.listener.name': 'ONE',
    'listener.name.one.max.connections': '2'
  }
  const { broker, client } = await started(t, { settings })
  const change = async (name: string, value: string | null) => {
    const configs = [{ name, configOperation: value === null ? 1 : 0, value }]
    const resources = [{ resourceType: 4, resourceName: '1', configs }]
    return (await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })).responses[0]?.errorCode
  }
  const ask = async () => (await opened(t, broker)).request(metadata, 9, { topics: [] }).then(() => 'served')
  const held = await opened(t, broker)
  await held.request(metadata, 9, { topics: [] })
  const [second, third] = [ask(), ask()]
  t.is(await Promise.race([second, third, delay(200, 'waits')]), 'waits')
  held.close()
  t.is(await Promise.race([second, third]), 'served')
  t.is(await change('listener.name.one.max.connections', '3'), ErrorCode.NONE)
  t.deepEqual(await Promise.all([second, third]), ['served', 'served'])
  t.is(await change('listener.name.one.max.connections', '0'), ErrorCode.INVALID_REQUEST)
  t.is(await change('listener.name.two.max.connections', '1'), ErrorCode.NONE)
  t.is(await change('listener.name.one.max.connections', '100'), ErrorCode.NONE)
  t.is(await change('listener.name.one.max.connection.creation.rate', '1'), ErrorCode.NONE)
  for (let count = 0; count < 11; count++) await opened(t, broker)
  const [late] = await timed(ask())
  t.true(late > 300, `${late}`)
})
