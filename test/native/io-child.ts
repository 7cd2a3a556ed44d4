/** The child process of io-ends.test.ts: one scenario, named by the argument; prints `done` when all was as it must be. */
import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Client, TestBroker, descriptors, frameOf, threads } from './io-support.js'

const GIB = 2 ** 30
const MIB = 2 ** 20

function anonymousBytes(): number {
  const line = /RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))
  return Number(line?.[1]) * 1024
}

async function settled(condition: () => boolean, what: () => string): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    assert(waited < 10_000, what())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A broker in the middle of sending 1 GiB to a client that reads. */
async function midTransfer(port: number): Promise<Client> {
  const client = await Client.connect(port)
  client.socket.write(frameOf(`F 0 ${GIB}`))
  await client.read(MIB)
  return client
}

async function workerRound(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { worker: true }, argv: [] })
  const [port] = (await once(worker, 'message')) as [number]
  const client = await midTransfer(port)
  client.socket.pause()
  const held = await Client.connect(port)
  held.socket.write(frameOf('H'))
  const code = await worker.terminate()
  assert.equal(code, 1)
  client.socket.destroy()
  await held.closed()
}

const scenarios: Record<string, () => Promise<void>> = {
  async exit() {
    const broker = new TestBroker()
    await broker.useSegment(GIB)
    await midTransfer(broker.port)
    process.stdout.write('done\n')
    process.exit(7)
  },

  async throw() {
    const broker = new TestBroker()
    await broker.useSegment(GIB)
    await midTransfer(broker.port)
    setImmediate(() => {
      throw new Error('planned')
    })
  },

  async worker() {
    await workerRound()
    const before = { descriptors: descriptors(), threads: threads(), anonymous: anonymousBytes() }
    for (let i = 0; i < 3; i++) await workerRound()
    const now = (): string => `${JSON.stringify(before)} became ${descriptors()}, ${threads()}, ${anonymousBytes()}`
    await settled(() => descriptors() <= before.descriptors && threads() <= before.threads, now)
    assert(anonymousBytes() - before.anonymous < 20 * MIB, now()) // most of it is V8's: three more isolates came and went
    process.stdout.write('done\n')
  },

  async churn() {
    const broker = new TestBroker()
    let connections = 0
    const round = async (): Promise<void> => {
      connections += 1000
      const clients = await Promise.all(Array.from({ length: 1000 }, () => Client.connect(broker.port)))
      for (const [i, client] of clients.entries()) if (i % 10 === 0) client.socket.write(frameOf('E'))
      for (const client of clients) client.socket.resetAndDestroy()
      await broker.until(() => broker.closed.length === connections)
    }
    await round()
    await settled(
      () => broker.closed.length === broker.opened,
      () => 'connections stay'
    )
    const before = { descriptors: descriptors(), threads: threads(), anonymous: anonymousBytes() }
    for (let i = 0; i < 10; i++) await round()
    const now = (): string => `${JSON.stringify(before)} became ${descriptors()}, ${threads()}, ${anonymousBytes()}`
    await settled(() => descriptors() <= before.descriptors && threads() <= before.threads, now)
    await broker.stop()
    process.stdout.write(`done ${now()}\n`)
  },

  async wake() {
    const broker = new TestBroker()
    const uncaught: unknown[] = []
    process.on('uncaughtException', (error) => uncaught.push(error))
    const handle = broker.echo.bind(broker)
    broker.echo = () => {
      broker.echo = handle
      throw new Error('planned')
    }
    const client = await Client.connect(broker.port)
    client.socket.write(frameOf('E1'))
    await settled(
      () => uncaught.length === 1,
      () => 'no uncaught exception'
    )
    assert.equal((await client.request('E2')).toString(), 'E2')
    client.socket.destroy()
    await broker.stop()
    process.stdout.write('done\n')
  }
}

if (isMainThread) {
  await scenarios[process.argv[2]!]!()
} else {
  assert((workerData as { worker: boolean }).worker)
  const broker = new TestBroker()
  await broker.useSegment(GIB)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port, not a window
  parentPort!.postMessage(broker.port)
}
