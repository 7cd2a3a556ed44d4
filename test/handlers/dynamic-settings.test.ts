/** Settings of a broker that are changed while it runs: each takes effect, or gets the error that Apache Kafka 4.3.1 gives. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import test from 'ava'
import { brokerSettings } from '../../src/config/settings/index.js'
import type { Setting } from '../../src/config/setting.js'
import { Broker } from '../../src/index.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { Closed, RawClient } from '../support/raw-client.js'

const INVALID_REQUEST = 42
const fixture = new URL('../../../test/fixtures/config/dynamic-4.3.1.tsv', import.meta.url)
const recorded = readFileSync(fixture, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [name = '', value = '', own, all] = line.split('\t')
    return { name, value, own: Number(own), all: Number(all) }
  })
const table: Readonly<Record<string, Setting>> = brokerSettings
/** Where Kafka describes a value in other words than it was given: a decimal as Java writes it. */
const DESCRIBED: Readonly<Record<string, string>> = { 'log.cleaner.io.max.bytes.per.second': '1000000.0' }

/** A change of one setting of the broker, or (`resourceName` '') of all brokers; `null` takes it back. Gives the error code. */
async function alter(client: RawClient, name: string, value: string | null, { resourceName = '1', validateOnly = false } = {}) {
  const configs = [{ name, configOperation: value === null ? 1 : 0, value }]
  const resources = [{ resourceType: 4, resourceName, configs }]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly })
  return responses[0]!.errorCode
}

async function withBroker(settings: Record<string, string>, run: (broker: Broker, client: RawClient) => Promise<void>): Promise<void> {
  await using broker = await Broker.start({ settings })
  const client = await RawClient.connect(broker)
  await run(broker, client)
  client.close()
}

async function listens(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  const connected = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
    () => false
  )
  socket.destroy()
  return connected
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function until(met: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await met()); tries++) {
    if (tries > 500) throw new Error('it did not come about')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('every setting that Apache Kafka changes while it runs is changed here, or refused with the same error', async (t) => {
  t.true(new Set(recorded.map(({ name }) => name)).size > 90)
  await withBroker({}, async (_broker, client) => {
    for (const { name, value, own, all } of recorded) {
      // Security and tiered storage are not implemented: to take a value that has no effect would pretend that they are.
      const refused = table[name]?.refused !== undefined
      const options = { validateOnly: true }
      t.is(await alter(client, name, value, options), refused ? INVALID_REQUEST : own, `${name}=${value}`)
      t.is(await alter(client, name, value, { ...options, resourceName: '' }), refused ? INVALID_REQUEST : all, `${name}=${value} for all`)
    }
  })
})

test('what was changed is described with its source, and taken back', async (t) => {
  await withBroker({}, async (_broker, client) => {
    const one = recorded.find(({ name }) => name === 'max.connections')!
    const legal = recorded.filter(({ name, own }) => own === 0 && table[name]?.refused === undefined && !name.startsWith('metric.'))
    t.true(legal.length > 50 && legal.includes(one))
    const read = async () => {
      const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: legal.map(({ name }) => name) }]
      const request = { resources, includeSynonyms: false, includeDocumentation: false }
      const { configs } = (await client.request(describeConfigs, 4, request)).results[0]!
      return new Map(configs.map(({ name, value, configSource }) => [name, { value, configSource }]))
    }
    const before = await read()
    for (const { name, value } of legal) t.is(await alter(client, name, value), 0, name)
    const after = await read()
    for (const { name, value } of legal) t.deepEqual(after.get(name), { value: DESCRIBED[name] ?? value, configSource: 2 }, name)
    for (const { name } of legal) t.is(await alter(client, name, null), 0, name)
    t.deepEqual(await read(), before)
  })
})

test('a setting that nobody knows is kept, and shown as what may be a secret', async (t) => {
  await withBroker({}, async (_broker, client) => {
    t.is(await alter(client, 'my.plugin.key', 'x'), 0)
    t.is(await alter(client, 'listener.name.plaintext.ssl.client.auth', 'required'), INVALID_REQUEST)
    const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: ['my.plugin.key', 'nope'] }]
    const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: true, includeDocumentation: false })
    const [entry, ...others] = results[0]!.configs
    t.deepEqual(others, [])
    t.deepEqual([entry?.name, entry?.value, entry?.isSensitive, entry?.configSource], ['my.plugin.key', null, true, 2])
    t.is(await alter(client, 'my.plugin.key', null), 0)
  })
})

test('listeners come, move and go; clients are told of none that is not advertised', async (t) => {
  const [own, second, third] = [await freePort(), await freePort(), await freePort()]
  const first = `PLAINTEXT://127.0.0.1:${own}`
  const settings = {
    listeners: first,
    'advertised.listeners': first,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT'
  }
  await withBroker(settings, async (broker, client) => {
    t.is(await alter(client, 'listeners', `${first},EXTRA://127.0.0.1:${second}`), 0)
    await until(() => listens(second))
    t.deepEqual(
      broker.listeners.map(({ name, port }) => [name, port]),
      [
        ['PLAINTEXT', own],
        ['EXTRA', second]
      ]
    )
    const extra = await RawClient.connect({ host: '127.0.0.1', port: second })
    t.deepEqual((await extra.request(metadata, 12, { topics: [], allowAutoTopicCreation: false })).brokers, [])
    t.is(await alter(client, 'listeners', `${first},EXTRA://127.0.0.1:${third}`), 0)
    await until(async () => (await listens(third)) && !(await listens(second)))
    await extra.request(metadata, 12, { topics: [], allowAutoTopicCreation: false })
    t.is(await alter(client, 'listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT'), INVALID_REQUEST)
    t.is(await alter(client, 'listeners', first), 0)
    await until(async () => !(await listens(third)))
    await until(() => extra.closed)
    // What the cluster's metadata tells of this broker stays as it is.
    t.is(await alter(client, 'listeners', `EXTRA://127.0.0.1:${second}`), INVALID_REQUEST)
    t.is(await alter(client, 'listeners', first, { resourceName: '' }), INVALID_REQUEST)
  })
  await withBroker({ listeners: first }, async (_broker, client) => {
    t.is(await alter(client, 'listeners', `PLAINTEXT://127.0.0.1:${second}`), INVALID_REQUEST)
  })
})

test('a port that is taken leaves the listener where it was', async (t) => {
  const [own, taken] = [await freePort(), await freePort()]
  const other = net.createServer().listen(taken, '127.0.0.1')
  await once(other, 'listening')
  const settings = { listeners: `PLAINTEXT://127.0.0.1:${own}`, 'advertised.listeners': `PLAINTEXT://127.0.0.1:${own}` }
  await withBroker(settings, async (broker, client) => {
    t.is(await alter(client, 'listeners', `PLAINTEXT://127.0.0.1:${taken}`), 0)
    await until(async () => (await listens(own)) && broker.listeners.length === 1)
    t.is(broker.listeners[0]?.port, own)
  })
  other.close()
})

test('changed listeners and limits hold after a restart', async (t) => {
  const [own, second] = [await freePort(), await freePort()]
  const { ownedTempDir } = await import('../support/temp-dir.js')
  const { dir, remove } = await ownedTempDir()
  const first = `PLAINTEXT://127.0.0.1:${own}`
  const settings = {
    listeners: first,
    'advertised.listeners': first,
    'log.dirs': dir,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT'
  }
  await withBroker(settings, async (_broker, client) => {
    t.is(await alter(client, 'listeners', `${first},B://127.0.0.1:${second}`), 0)
    t.is(await alter(client, 'max.connections.per.ip.overrides', '127.0.0.1:1'), 0)
  })
  await withBroker(settings, async (broker, client) => {
    t.is(broker.listeners.length, 2)
    await t.throwsAsync(refusedAt(second))
    t.is(await alter(client, 'max.connections.per.ip.overrides', null), 0)
    await until(() => answersAt(second))
  })
  await remove()
})

async function refusedAt(port: number): Promise<void> {
  const client = await RawClient.connect({ host: '127.0.0.1', port })
  try {
    await client.request(metadata, 12, { topics: [], allowAutoTopicCreation: false })
  } finally {
    client.close()
  }
}

async function answersAt(port: number): Promise<boolean> {
  try {
    await refusedAt(port)
    return true
  } catch (error) {
    if (error instanceof Closed || (error as NodeJS.ErrnoException).code === 'ECONNRESET') return false
    throw error
  }
}

test('limits of connections hold at once: of all, of an address, of one by its name', async (t) => {
  await withBroker({}, async (broker, client) => {
    t.is(await alter(client, 'max.connections.per.ip', '1'), 0)
    await until(async () => !(await answersAt(broker.port)))
    t.is(await alter(client, 'max.connections.per.ip.overrides', 'localhost:3'), 0)
    await until(() => answersAt(broker.port))
    t.is(await alter(client, 'max.connections.per.ip.overrides', '127.0.0.1:1'), 0)
    await until(async () => !(await answersAt(broker.port)))
    t.is(await alter(client, 'max.connections.per.ip', null), 0)
    t.false(await answersAt(broker.port))
    t.is(await alter(client, 'max.connections.per.ip.overrides', null), 0)
    await until(() => answersAt(broker.port))
  })
})

// Before the others: it counts the threads of this process.
test.serial('I/O threads become more and fewer while clients work', async (t) => {
  const threads = async () => {
    const { readdir, readFile } = await import('node:fs/promises')
    const names = await Promise.all(
      (await readdir('/proc/self/task')).map((id) => readFile(`/proc/self/task/${id}/comm`, 'utf8').catch(() => ''))
    )
    return names.filter((name) => name.startsWith('sluice-io-')).length
  }
  await withBroker({ 'num.network.threads': '2' }, async (broker, client) => {
    const before = await threads()
    t.is(await alter(client, 'num.network.threads', '5'), INVALID_REQUEST)
    t.is(await alter(client, 'num.network.threads', '4'), 0)
    await until(async () => (await threads()) === before + 2)
    t.true(await answersAt(broker.port))
    t.is(await alter(client, 'num.network.threads', '2'), 0)
    await until(async () => (await threads()) === before)
    t.true(await answersAt(broker.port))
    t.is(await alter(client, 'num.network.threads', '0'), INVALID_REQUEST)
  })
})
