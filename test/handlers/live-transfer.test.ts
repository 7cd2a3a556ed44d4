/** `sluice.transfer.*` change while the broker runs: at once, for one broker or for all, and without a byte lost under load. */
import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { Broker, type BrokerStatus } from '../../src/index.js'
import { crc32c } from '../../src/record/crc32c.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { RawClient } from '../support/raw-client.js'
import { fetchRecords, produceValue } from '../support/traffic.js'

const BROKER = 4
const SET = 0
const DELETE = 1
const Source = { dynamicBroker: 2, dynamicDefault: 3, default: 5 }
const MODE = 'sluice.transfer.mode'
const COPY = 'sluice.transfer.copy.below.bytes'
const INLINE = 'sluice.transfer.inline.below.bytes'
const PATHS = { sendfile: 'sendfileBytes', splice: 'spliceBytes', mmap: 'mmapBytes', readwrite: 'readwriteBytes' } as const
const MAX_FETCH = 8 << 20
const LOADS = 6

/** One that serves, and a client that knows how to ask for settings. */
async function started(t: ExecutionContext) {
  const broker = await Broker.start({ topics: { orders: 1 } })
  t.teardown(() => broker.stop())
  const client = await connect(t, broker)
  const node = String(broker.status().nodeId)
  const alter = async (name: string, value: string | null, { scope = node, operation = value === null ? DELETE : SET } = {}) => {
    const resources = [{ resourceType: BROKER, resourceName: scope, configs: [{ name, configOperation: operation, value }] }]
    return (await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })).responses[0]!.errorCode
  }
  const described = async (name: string) => {
    const resources = [{ resourceType: BROKER, resourceName: node, configurationKeys: [name] }]
    const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: true, includeDocumentation: false })
    const [config] = results[0]!.configs
    return [config?.value, config?.configSource]
  }
  return { broker, client, alter, described }
}

async function connect(t: ExecutionContext, { host, port }: { host: string; port: number }): Promise<RawClient> {
  const client = await RawClient.connect({ host, port })
  t.teardown(() => client.close())
  return client
}

test('one broker, all brokers, and back to the default: in force and described at once', async (t) => {
  const { broker, alter, described } = await started(t)
  t.deepEqual(await described(MODE), ['auto', Source.default])
  t.is(await alter(MODE, 'splice', { scope: '' }), 0)
  t.deepEqual(await described(MODE), ['splice', Source.dynamicDefault])
  t.is(broker.status().transfer.mode, 'splice')
  t.is(await alter(MODE, 'mmap'), 0)
  t.deepEqual(await described(MODE), ['mmap', Source.dynamicBroker])
  t.is(broker.status().transfer.mode, 'mmap')
  t.is(await alter(MODE, null), 0)
  t.is(broker.status().transfer.mode, 'splice')
  t.is(await alter(MODE, null, { scope: '' }), 0)
  t.deepEqual(await described(MODE), ['auto', Source.default])
  t.is(await alter(COPY, '0'), 0)
  t.is(await alter(INLINE, '1000000'), 0)
  t.deepEqual(broker.status().transfer, { mode: 'auto', copyBelowBytes: 0, inlineBelowBytes: 1_000_000 })
})

test('each mode moves the very next fetch by its path; the thresholds decide where and how', async (t) => {
  const { broker, client, alter } = await started(t)
  const { batch } = await produceValue(client, 'orders', randomBytes(60_000))
  const grown = async (figure: (status: BrokerStatus) => number): Promise<number> => {
    const before = figure(broker.status())
    t.true((await fetchRecords(client, 'orders', 0, MAX_FETCH)).equals(stamped(batch)))
    return figure(broker.status()) - before
  }
  for (const [mode, path] of Object.entries(PATHS)) {
    t.is(await alter(MODE, mode), 0)
    t.is(await grown(({ total }) => total[path]), batch.length, mode)
  }
  t.is(await alter(MODE, 'auto'), 0)
  t.is(await grown(({ total }) => total.sendfileBytes), batch.length)
  t.is(await alter(COPY, '100000'), 0)
  t.is(await grown(({ total }) => total.readwriteBytes), batch.length)
  t.is(await grown(({ total }) => total.inlineResponses), 1)
  t.is(await alter(INLINE, '0'), 0)
  // The answers to the alteration and to this fetch.
  t.true((await grown(({ total }) => total.queuedResponses)) >= 1)
})

test('wrong values are refused with the code of Kafka for settings of brokers, and change nothing', async (t) => {
  const { broker, client, alter, described } = await started(t)
  const before = broker.status().transfer
  for (const [name, value] of [
    [MODE, 'fast'],
    [MODE, ''],
    [MODE, 'SENDFILE'],
    [COPY, '-1'],
    [COPY, '262145'],
    [COPY, 'many'],
    [INLINE, '-1'],
    [INLINE, '1.5'],
    [INLINE, '99999999999']
  ] as const) {
    t.is(await alter(name, value), ErrorCode.INVALID_REQUEST, `${name}=${value}`)
    t.is(await alter(name, value, { scope: '' }), ErrorCode.INVALID_REQUEST, `${name}=${value} for all`)
  }
  t.is(await alter(MODE, 'splice', { operation: 2 }), ErrorCode.INVALID_CONFIG)
  const resources = [
    {
      resourceType: BROKER,
      resourceName: '',
      configs: [
        { name: MODE, configOperation: SET, value: 'splice' },
        { name: COPY, configOperation: SET, value: '-5' }
      ]
    }
  ]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  t.is(responses[0]?.errorCode, ErrorCode.INVALID_REQUEST)
  t.regex(responses[0]?.errorMessage ?? '', /-5.*sluice\.transfer\.copy\.below\.bytes.*from 0 to 262144/)
  t.deepEqual(await described(MODE), ['auto', Source.default])
  t.deepEqual(broker.status().transfer, before)
})

test('under load: the mode changes all the time, and every byte is right', async (t) => {
  const { broker, client, alter } = await started(t)
  const content: Buffer[] = []
  for (const length of [1, 900, 20_000, 33_000, 150_000, 700_000, 1_000_000, 1_000_000]) {
    content.push(stamped((await produceValue(client, 'orders', randomBytes(length))).batch, content.length))
  }
  const running = { stopped: false, fetched: 0 }
  const whole = content.map((_batch, offset) => Buffer.concat(content.slice(offset)))
  const checks = new Map<string, number>()
  const reader = async (seed: number): Promise<void> => {
    const own = await connect(t, broker)
    for (let i = seed; !running.stopped; i++) {
      const offset = i % content.length
      const most = Math.max(content[offset]!.length, (i * 7919) % MAX_FETCH)
      const got = await fetchRecords(own, 'orders', offset, Math.max(1, (i * 7919) % MAX_FETCH))
      const expected = whole[offset]!.subarray(0, got.length)
      const key = `${offset}:${got.length}`
      if (!checks.has(key)) checks.set(key, crc32c(expected))
      const right = got.length >= content[offset]!.length && got.length <= most && got.length === expected.length
      if (!right || crc32c(got) !== checks.get(key)) throw new Error(`wrong bytes at ${key} of ${most}`)
      running.fetched += got.length
    }
  }
  const readers = Array.from({ length: LOADS }, (_each, seed) => reader(seed * 3))
  const moves = Object.keys(PATHS).flatMap((mode) => [mode, 'auto'])
  for (let i = 0; i < 2 * moves.length; i++) {
    t.is(await alter(MODE, moves[i % moves.length]!), 0)
    t.is(await alter(COPY, String((i * 50_000) % 200_000)), 0)
    t.is(await alter(INLINE, String((i * 90_000) % 1_000_000), i % 2 === 0 ? { scope: '' } : {}), 0)
    const got = await fetchRecords(client, 'orders', 0, MAX_FETCH)
    t.true(got.equals(whole[0]!))
    running.fetched += got.length
  }
  running.stopped = true
  await Promise.all(readers)
  const { total } = broker.status()
  for (const path of Object.values(PATHS)) t.true(total[path] > 0, path)
  t.is(total.sendfileBytes + total.spliceBytes + total.mmapBytes + total.readwriteBytes, running.fetched)
})

const toolTest = haveTools ? test.serial : test.serial.skip
toolTest('kafka-configs: changes the mode of one broker and of all, shows it, and is refused what is wrong', async (t) => {
  const { broker } = await started(t)
  const configs = (...args: string[]) => runTool('configs', ['--bootstrap-server', broker.bootstrap, '--entity-type', 'brokers', ...args])
  const node = ['--entity-name', String(broker.status().nodeId)]
  const all = await configs('--entity-default', '--alter', '--add-config', `${MODE}=mmap`)
  t.is(all.code, 0, all.stderr)
  t.is(broker.status().transfer.mode, 'mmap')
  const one = await configs(...node, '--alter', '--add-config', `${MODE}=readwrite,${COPY}=1000`)
  t.is(one.code, 0, one.stderr)
  t.deepEqual([broker.status().transfer.mode, broker.status().transfer.copyBelowBytes], ['readwrite', 1000])
  const shown = await configs(...node, '--describe')
  t.regex(
    shown.stdout,
    /sluice\.transfer\.mode=readwrite .*DYNAMIC_BROKER_CONFIG.*DYNAMIC_DEFAULT_BROKER_CONFIG:sluice\.transfer\.mode=mmap/
  )
  const wrong = await configs(...node, '--alter', '--add-config', `${MODE}=fast`)
  t.not(wrong.code, 0)
  t.regex(wrong.stdout + wrong.stderr, /one of auto, sendfile, splice, mmap, readwrite/)
  t.is((await configs(...node, '--alter', '--delete-config', MODE)).code, 0)
  t.is(broker.status().transfer.mode, 'mmap')
})

/** As the broker stores it: its offset and leader epoch stand in the header, outside of what the CRC covers. */
function stamped(batch: Buffer, offset = 0): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(offset), 0)
  copy.writeInt32BE(0, 12)
  return copy
}
