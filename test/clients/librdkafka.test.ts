/** librdkafka, driven by librdkafka/driver.py. */
import test from 'ava'
import { available } from '../support/available.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { root, run } from '../support/processes.js'

const librdkafka = await available('librdkafka')
const clientTest = librdkafka.found ? test.serial : test.serial.skip
let broker: TestBroker

if (librdkafka.found) {
  test.before(async () => {
    // Members of the consumer protocol learn of a rebalance by their heartbeats.
    const settings = {
      'group.consumer.heartbeat.interval.ms': '500',
      'group.consumer.min.heartbeat.interval.ms': '500',
      'group.consumer.assignment.interval.ms': '100'
    }
    broker = await startBroker({ settings })
  })
  test.after.always(() => broker.stop())
}

interface Seen {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

async function drive<T>(scenario: string, args: Record<string, unknown>): Promise<T> {
  if (!librdkafka.found) throw new Error(librdkafka.reason)
  const driver = `${root}/test/clients/librdkafka/driver.py`
  const { code, stdout, stderr } = await run(librdkafka.product, [driver, scenario, broker.bootstrap], {
    input: JSON.stringify(args),
    timeoutMs: 110_000
  })
  if (code !== 0) throw new Error(`${scenario} failed:\n${stderr}`)
  return JSON.parse(stdout) as T
}

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  clientTest(`librdkafka: records come back as they were sent, idempotent, ${codec}`, async (t) => {
    const records = [
      { key: null, value: null, headers: [] },
      {
        key: '',
        value: '',
        headers: [
          ['empty', ''],
          ['null', null],
          ['twice', '1'],
          ['twice', '2']
        ]
      },
      ...Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: `value ${i} `.repeat(20), headers: [['n', `${i}`]] })),
      { key: 'big', value: 'x'.repeat(900_000), headers: [] }
    ].map((record) => ({ ...record, partition: 0 }))
    const config = { 'compression.codec': codec, 'enable.idempotence': true }
    const { placed, messages } = await drive<{ placed: number[][]; messages: Seen[] }>('round_trip', {
      topic: uniqueName('rd'),
      records,
      config
    })
    t.deepEqual(
      placed,
      records.map((_, i) => [0, i])
    )
    t.deepEqual(
      messages.map(({ key, value, headers }) => ({ key, value, headers, partition: 0 })),
      records as never
    )
  })
}

clientTest('librdkafka: three eager members share the partitions as they come and go', async (t) => {
  const { shares } = await rebalance('range')
  t.deepEqual(
    shares.map((share) => share.map((owned) => owned.length)),
    [[6], [3, 3], [2, 2, 2], [3, 3]]
  )
})

for (const [members, strategy] of [
  ['members of the consumer protocol', 'consumer'],
  ['cooperative members', 'cooperative-sticky']
] as const) {
  clientTest(`librdkafka: ${members} keep what they need not give up`, async (t) => {
    const { shares, firstMember } = await rebalance(strategy)
    t.deepEqual(
      shares.map((share) => share.map((owned) => owned.length)),
      [[6], [3, 3], [2, 2, 2], [3, 3]]
    )
    t.false(
      firstMember.slice(1).some(([, partitions]) => partitions.length > 3),
      'it never gave up everything'
    )
  })
}

function rebalance(strategy: string) {
  return drive<{ shares: number[][][]; firstMember: [string, number[]][] }>('rebalance', {
    topic: uniqueName('rebalance'),
    group: uniqueName('rebalance'),
    partitions: 6,
    strategy
  })
}

clientTest('librdkafka: a static member that comes back disturbs nobody', async (t) => {
  const args = { topic: uniqueName('static'), group: uniqueName('static'), partitions: 6 }
  const { before, after, otherSaw } = await drive<{ before: number[][]; after: number[][]; otherSaw: unknown[] }>('static_member', args)
  t.deepEqual(
    before.map((owned) => owned.length),
    [3, 3]
  )
  t.deepEqual(after, before)
  t.deepEqual(otherSaw, [])
})

clientTest('librdkafka: commits with metadata, positions, look-up by time, seek', async (t) => {
  t.deepEqual(await drive('commits', { topic: uniqueName('commits'), group: uniqueName('commits') }), {
    first: ['0', '1', '2'],
    rest: ['3', '4', '5', '6', '7', '8', '9'],
    committed: [3, 'after three'],
    found: 5,
    late: -1,
    sought: '5',
    watermarks: [0, 10]
  })
})

clientTest('librdkafka: copies in transactions, with offsets; a second producer fences the first', async (t) => {
  const args = { source: uniqueName('rd'), target: uniqueName('rd'), group: uniqueName('rd'), transactional_id: uniqueName('rd') }
  t.deepEqual(await drive('transactions', args), {
    copied: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    committed: 10,
    fenced: true
  })
})

clientTest('librdkafka: topics, partitions, settings, records and groups through the admin client', async (t) => {
  t.deepEqual(await drive('admin', { topic: uniqueName('admin'), group: uniqueName('admin') }), {
    created: null,
    createdAgain: 'TOPIC_ALREADY_EXISTS',
    replicated: 'INVALID_REPLICATION_FACTOR',
    badName: 'TOPIC_EXCEPTION',
    grown: null,
    shrunk: 'INVALID_PARTITIONS',
    partitions: 4,
    altered: null,
    configs: { 'max.message.bytes': '65536', 'retention.ms': '3600000' },
    lowWatermark: 5,
    offsets: [
      [0, 5],
      [1, 0]
    ],
    group: ['STABLE', 1],
    deletedWhileUsed: 'NON_EMPTY_GROUP',
    committed: [[0, 6]],
    listed: true,
    groupDeleted: null,
    topicDeleted: null,
    topicDeletedAgain: 'UNKNOWN_TOPIC_OR_PART'
  })
})
