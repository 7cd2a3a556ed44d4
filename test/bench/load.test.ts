/** The load generator, end to end: what it says it sent and received is what the log holds, and what goes wrong is one clear line. */
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import path from 'node:path'
import test from 'ava'
import { Admin } from '../../bench/lib/admin.js'
import { openLoad, LoadError, type Load } from '../../bench/lib/load.js'
import { foreignBroker, startBroker, startChildBroker, type TestBroker } from '../support/broker.js'
import { tempDir } from '../support/temp-dir.js'

const MIB = 2 ** 20

let load: Load
let broker: TestBroker
let admin: Admin

test.before('compile the generator, start a broker', async (t) => {
  t.timeout(240_000)
  load = await openLoad()
  broker = await startBroker()
  admin = await Admin.connect(broker.bootstrap)
})

test.after.always(async () => {
  admin?.close()
  await broker?.stop()
})

/** A new topic, and what was produced to it. */
async function filled(partitions: number, batchBytes: number, bytes: number) {
  const topic = `load-${Math.random().toString(36).slice(2)}`
  await admin.createTopic(topic, partitions)
  const target = { bootstrap: broker.bootstrap, topic, partitions }
  const produced = await load.produce({ ...target, batchBytes, recordBytes: 495, bytes, connections: 2, inFlight: 8 })
  return { target, topic, produced }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

test('produces what it was told to, and the log holds it', async (t) => {
  const { topic, produced } = await filled(3, 4096, 2 * MIB)
  t.is(produced.errors, 0)
  t.is(produced.requests, Math.floor((2 * MIB) / 4093))
  t.is(produced.bytes, produced.requests * 4093)
  t.is(produced.records, produced.requests * 8)
  t.is(produced.latency.count, produced.requests)
  t.is(sum(await admin.offsets(topic, 3, 'latest')), produced.records)
})

for (const take of ['copy', 'trunc'] as const) {
  for (const fetchVersion of [12, 17]) {
    test(`reads everything once: ${take}, Fetch ${fetchVersion}`, async (t) => {
      const { target, produced } = await filled(2, 4096, 2 * MIB)
      const fetched = await load.fetch({
        ...target,
        fetchBytes: 65536,
        seconds: 30,
        once: true,
        connections: 3,
        inFlight: 2,
        take,
        fetchVersion
      })
      t.is(fetched.bytes, produced.bytes)
      t.is(fetched.records, produced.records)
      t.is(fetched.latency.count, fetched.requests)
      t.is(sum(fetched.latency.histogram.map(([, count]) => count)), fetched.requests)
    })
  }
}

test('reads a part of the log again and again, alone and as a group of readers', async (t) => {
  const { target } = await filled(2, 16384, 2 * MIB)
  for (const more of [{}, { groups: true }]) {
    const { bytes, requests, records } = await load.fetch({
      ...target,
      fetchBytes: MIB / 4,
      limit: MIB / 2,
      seconds: 0.1,
      connections: 3,
      ...more
    })
    t.true(requests >= 3)
    t.true(bytes > requests * 100_000 && bytes <= requests * (MIB / 4))
    t.true(records > 0)
  }
})

test('without acknowledgements the run ends when the broker has taken everything', async (t) => {
  const topic = 'load-acks-0'
  await admin.createTopic(topic)
  const { records, requests, latency } = await load.produce({ bootstrap: broker.bootstrap, topic, acks: 0, bytes: MIB, batchBytes: 4096 })
  t.is(latency.count, 0)
  t.true(requests > 200)
  // Taken is not yet appended.
  while ((await admin.offsets(topic, 1, 'latest'))[0]! < records) await new Promise((resolve) => setTimeout(resolve, 5))
  t.deepEqual(await admin.offsets(topic, 1, 'latest'), [records])
})

test('an open loop sends at its rate', async (t) => {
  const { target } = await filled(1, 4096, MIB)
  const produced = await load.produce({ ...target, batchBytes: 1024, recordBytes: 100, rate: 200, seconds: 0.5 })
  t.is(produced.requests, 100)
  t.is(produced.latency.count, 100)
  t.is(produced.lateness?.count, 100)
  const fetched = await load.fetch({ ...target, fetchBytes: 4096, rate: 200, seconds: 0.5, connections: 4 })
  t.is(fetched.requests, 100)
  t.is(fetched.errors, 0)
})

const own = foreignBroker ? test.skip : test

own('an open loop counts the requests that a stall kept from being sent', async (t) => {
  const stalling = await startChildBroker({ topics: { t: 1 } })
  t.teardown(() => stalling.stop())
  let resumed: Promise<void> | undefined
  const { latency, requests } = await load.produce(
    { bootstrap: stalling.bootstrap, topic: 't', batchBytes: 1024, recordBytes: 100, rate: 100, seconds: 1, inFlight: 1 },
    {
      onReady: () => {
        process.kill(stalling.pid, 'SIGSTOP')
        resumed = new Promise((resolve) =>
          setTimeout(() => {
            process.kill(stalling.pid, 'SIGCONT')
            resolve()
          }, 400)
        )
      }
    }
  )
  await resumed
  t.is(requests, 100)
  // About 30 requests were due more than 100 ms before the broker went on; a closed loop would have sent one.
  const slow = sum(latency.histogram.map(([ms, count]) => (ms > 100 ? count : 0)))
  t.true(slow >= 20, `${slow} requests took more than 100 ms`)
})

test('times records until they are acknowledged and until a waiting fetch has them', async (t) => {
  const { target } = await filled(1, 4096, MIB)
  for (const rate of [0, 500]) {
    const { latency, acknowledged, records } = await load.latency({ ...target, samples: 50, warmup: 5, rate, recordBytes: 200 })
    t.is(records, 50)
    t.is(latency.count, 50)
    t.is(acknowledged?.count, 50)
    t.true(latency.p50 > 0 && latency.p50 <= latency.p99 && latency.p99 <= latency.max)
  }
})

test('holds connections, idle and waiting', async (t) => {
  const { target } = await filled(2, 4096, MIB)
  t.like(await load.idle({ ...target, connections: 20, seconds: 0.05 }), { connections: 20, polls: 0 })
  const waiting = await load.idle({ ...target, connections: 20, seconds: 0.05, waiting: true })
  t.is(waiting.polls, 20)
})

test('says when it is ready and waits for the word', async (t) => {
  const { target, topic } = await filled(1, 4096, MIB)
  const [before] = await admin.offsets(topic, 1, 'latest')
  let atReady: number | undefined
  await load.produce(
    { ...target, bytes: MIB },
    {
      onReady: async () => {
        atReady = (await admin.offsets(topic, 1, 'latest'))[0]
      }
    }
  )
  t.is(atReady, before)
  const refused = load.produce({ ...target, bytes: MIB }, { onReady: () => Promise.reject(new Error('not now')) })
  await t.throwsAsync(refused, { message: 'not now' })
})

test('a run can be aborted', async (t) => {
  const { target } = await filled(1, 4096, MIB)
  const controller = new AbortController()
  const abort = () => controller.abort(new Error('enough'))
  const running = load.fetch({ ...target, fetchBytes: 4096, seconds: 60 }, { signal: controller.signal, onReady: abort })
  await t.throwsAsync(running, { message: 'enough' })
})

test('what goes wrong is one line', async (t) => {
  const { topic } = await filled(1, 4096, MIB)
  const { bootstrap } = broker
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const rude = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const line = async (target: { bootstrap: string; topic: string; partitions?: number }, fetchBytes = 4096) => {
    const error = await t.throwsAsync(load.fetch({ ...target, fetchBytes, seconds: 1 }), { instanceOf: LoadError })
    return error?.message
  }
  t.regex(
    (await line({ bootstrap: rude, topic })) ?? '',
    /^127\.0\.0\.1:\d+( closed the connection|: Connection reset by peer|: Broken pipe)$/
  )
  server.close()
  await once(server, 'close')
  t.is(await line({ bootstrap: rude, topic }), `${rude}: Connection refused`)
  t.is(await line({ bootstrap, topic: 'nowhere' }), `${bootstrap}: topic nowhere: UNKNOWN_TOPIC_OR_PARTITION (3)`)
  t.is(await line({ bootstrap, topic, partitions: 2 }), `${bootstrap}: topic ${topic} has 1 partitions, not 2`)
  t.regex((await line({ bootstrap, topic }, 0)) ?? '', /--fetch-bytes 0 is not a whole number/)
})

test('takes files out of the page cache', async (t) => {
  if (foreignBroker) {
    t.pass()
    return
  }
  const dir = await tempDir(t)
  const kept = await startBroker({ dir, topics: { t: 1 } })
  t.teardown(() => kept.stop())
  const { bytes } = await load.produce({ bootstrap: kept.bootstrap, topic: 't', bytes: MIB })
  const segment = path.join(dir, 't-0', '00000000000000000000.log')
  t.is((await load.dropCache([segment])).bytes, bytes)
  await t.throwsAsync(load.dropCache([`${segment}.none`]), { message: /No such file/ })
})
