import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Admin } from '../../bench/lib/admin.js'
import { external, startKafka, startSluice, waitFilesGone } from '../../bench/lib/broker.js'
import { available } from '../support/available.js'
import { startBroker } from '../support/broker.js'
import { tempDir } from '../support/temp-dir.js'

const kafka = await available('kafka-tools')
const testWithKafka = kafka.found ? test.serial : test.serial.skip

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a Sluice of its own: topics, settings, pause, restart; nothing is left behind', async (t) => {
  const parent = await tempDir(t)
  const broker = await startSluice({
    parent,
    topics: [{ name: 'orders', partitions: 3 }],
    settings: { 'log.segment.delete.delay.ms': '0', 'message.max.bytes': '2000000' }
  })
  try {
    t.is(broker.subject, 'Sluice')
    t.true((broker.startup ?? 0) > 0)
    t.deepEqual(
      readdirSync(broker.dir ?? '').filter((name) => name.startsWith('orders-')),
      ['orders-0', 'orders-1', 'orders-2']
    )
    const first = broker.pid
    await Admin.with(broker.bootstrap, async (admin) => {
      t.deepEqual(await admin.offsets('orders', 3, 'latest'), [0, 0, 0])
      t.is((await admin.configs({ type: 'broker', name: null }, ['message.max.bytes'])).get('message.max.bytes'), '2000000')
      await admin.alterConfigs({ type: 'topic', name: 'orders' }, { 'retention.ms': '12345' })
      t.is((await admin.configs({ type: 'topic', name: 'orders' })).get('retention.ms'), '12345')
    })

    broker.pause()
    await broker.resume()

    const { shutdown, startup } = await broker.restart()
    t.true(shutdown > 0 && startup > 0)
    t.not(broker.pid, first)
    await Admin.with(broker.bootstrap, async (admin) => {
      t.is((await admin.topics()).get('orders'), 3)
      await admin.deleteTopics(['orders'])
    })
    await waitFilesGone(broker, 'orders')
  } finally {
    broker.pause()
    await broker.stop()
  }
  t.false(isAlive(broker.pid ?? 0))
  t.deepEqual(readdirSync(parent), [])
})

test('a folder that is given is kept', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  mkdirSync(dir)
  const broker = await startSluice({ dir })
  await broker.stop()
  t.true(existsSync(path.join(dir, 'meta.properties')))
})

test('a broker that can not start: the reason, and nothing left', async (t) => {
  const parent = await tempDir(t)
  const error = await t.throwsAsync(startSluice({ parent, settings: { 'num.partitions': 'many' } }))
  t.regex(error.message, /^Sluice ended \(1\) before it served[\s\S]*num\.partitions/)
  t.deepEqual(readdirSync(parent), [])
})

test('a broker that runs already is left alone', async (t) => {
  const running = await startBroker()
  try {
    const broker = await external({ bootstrap: running.bootstrap, subject: 'mine' })
    t.is(broker.subject, 'mine')
    t.is(broker.pid, undefined)
    await broker.stop()
    await t.throwsAsync(broker.restart(), { message: /not restarted/ })
    t.regex(await Admin.with(running.bootstrap, (admin) => admin.nodeId()), /^\d+$/)
    await t.throwsAsync(external({ bootstrap: running.bootstrap, pid: 2 ** 30 }), { message: /no process/ })
  } finally {
    await running.stop()
  }
})

test('no broker there: one clear sentence', async (t) => {
  await t.throwsAsync(external({ bootstrap: '127.0.0.1:1' }), { message: /^no broker at 127\.0\.0\.1:1: .*ECONNREFUSED/ })
  await t.throwsAsync(external({ bootstrap: 'nonsense' }), { message: /not an address: 'nonsense'/ })
})

testWithKafka('a real Apache Kafka: starts, goes on after a pause, and nothing is left behind', async (t) => {
  const parent = await tempDir(t)
  const broker = await startKafka({ parent })
  try {
    t.regex(broker.subject, /^Apache Kafka \d+\.\d+\.\d+$/)
    broker.pause()
    await delay(100)
    await broker.resume()
    await Admin.with(broker.bootstrap, async (admin) => {
      await admin.createTopic('orders', 2)
      t.deepEqual(await admin.offsets('orders', 2, 'earliest'), [0, 0])
      await admin.deleteTopics(['orders'])
    })
    await waitFilesGone(broker, 'orders')
  } finally {
    await broker.stop()
  }
  t.false(isAlive(broker.pid ?? 0))
  t.deepEqual(readdirSync(parent), [])
})
