import test from 'ava'
import type { BrokerServices } from '../../src/broker/services.js'
import { ClientQuotas } from '../../src/broker/quotas/client-quotas.js'
import { SlowRequests } from '../../src/broker/slow-requests.js'
import { systemClock } from '../../src/clock.js'
import { loadBrokerConfig } from '../../src/config/load.js'
import { handler, type Handler } from '../../src/handlers/handler.js'
import { silentLogger } from '../../src/log.js'
import { Runtime } from '../../src/native/runtime.js'
import { ListenError, Server } from '../../src/network/server.js'
import type { Api } from '../../src/protocol/api.js'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.js'
import { RawClient } from '../support/raw-client.js'

const IO = {
  threads: 1,
  inlineReceive: true,
  maxFrameBytes: 1 << 20,
  maxIdleMs: -1,
  maxConnections: 100,
  maxConnectionsPerAddress: 100,
  sendBufferBytes: -1,
  receiveBufferBytes: -1,
  maxUnreleasedFrames: 100,
  maxUnreleasedBytes: 1 << 20,
  maxUnsentBytes: 1 << 20
}

const WINDOWS = { count: 11, sizeMs: 1000 }

async function withServer(run: (server: Server) => Promise<void>): Promise<void> {
  const runtime = new Runtime()
  const { config } = loadBrokerConfig({})
  const services: Partial<BrokerServices> = {
    config,
    clock: systemClock(),
    log: silentLogger,
    slowRequests: new SlowRequests(silentLogger, () => -1),
    quotas: new ClientQuotas(systemClock(), { clients: WINDOWS, controller: WINDOWS }),
    connectionClosed() {}
  }
  const server = new Server(runtime, services as BrokerServices)
  server.open(IO, { mode: 0, copyBelowBytes: 1000, inlineBelowBytes: 1000 })
  try {
    await run(server)
  } finally {
    await server.stop(100)
    await runtime.close()
  }
}

const answering = handler({ api: heartbeat, minVersion: 0, maxVersion: 4, handle: ({ generationId }) => ({ errorCode: generationId }) })
const breaking = handler({
  api: heartbeat,
  minVersion: 0,
  maxVersion: 4,
  handle: () => {
    throw new Error('a bug')
  }
})
const request = { groupId: 'g', generationId: 7, memberId: 'm' }

test('a request that comes before the broker serves is answered when it does', async (t) => {
  await withServer(async (server) => {
    const { port } = await server.listen('PLAINTEXT', '127.0.0.1', 0)
    const client = await RawClient.connect({ host: '127.0.0.1', port })
    const answer = client.request(heartbeat, 4, request)
    while (server.waitingRequests === 0) await new Promise((resolve) => setImmediate(resolve))
    server.serve([answering as unknown as Handler<Api>])
    t.is((await answer).errorCode, 7)
    client.close()
  })
})

test('a bug in a handler is answered, and the connection lives on', async (t) => {
  await withServer(async (server) => {
    const { port } = await server.listen('PLAINTEXT', '127.0.0.1', 0)
    server.serve([breaking as unknown as Handler<Api>])
    const client = await RawClient.connect({ host: '127.0.0.1', port })
    t.is((await client.request(heartbeat, 4, request)).errorCode, -1)
    t.is((await client.request(heartbeat, 4, request)).errorCode, -1)
    client.close()
  })
})

test('a port that is taken is named', async (t) => {
  await withServer(async (server) => {
    const { port } = await server.listen('PLAINTEXT', '127.0.0.1', 0)
    const error = await t.throwsAsync(server.listen('OTHER', '127.0.0.1', port), { instanceOf: ListenError })
    t.regex(error.message, new RegExp(`OTHER: port ${port} of 127.0.0.1 is in use`))
  })
})
