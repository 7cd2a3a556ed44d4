/** Transactions of Apache Kafka's own clients and tools. Each run is a JVM: tests are serial, and each asks several things of few runs. */
import test, { type ExecutionContext } from 'ava'
import { buildBatch } from '../../src/record/index.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTool, type ToolName } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { Session } from '../takeover/session.js'
import { Producer, committed } from '../transactions/producer.js'

const toolTest = haveTools ? test.serial : test.serial.skip
let broker: TestBroker

if (haveTools) {
  test.before(async () => {
    broker = await startBroker({ settings: { 'transaction.state.log.num.partitions': '2' } })
  })
  test.after.always(() => broker.stop())
}

async function setUp(t: ExecutionContext) {
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  return session
}

async function tool(t: ExecutionContext, name: ToolName, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool(name, args)
  t.is(code, 0, `${name} ${args.join(' ')}:\n${stdout}${stderr}`)
  return stdout
}

toolTest('the Java producer writes transactions, a copier with its consumer copies them exactly once', async (t) => {
  const session = await setUp(t)
  const [source, target, group] = [uniqueName('source'), uniqueName('target'), uniqueName('copier')]
  await session.createTopic(source, 1)
  const plain = uniqueName('plain')
  await session.createTopic(plain, 1)
  await session.createTopic(target, 1)
  const records = 3000
  await tool(t, 'producer-perf-test', [
    '--bootstrap-server',
    broker.bootstrap,
    '--topic',
    source,
    '--num-records',
    `${records}`,
    '--record-size',
    '20',
    '--throughput',
    '-1',
    '--transactional-id',
    uniqueName('perf'),
    '--transaction-duration-ms',
    '20'
  ])
  const sent = await committed(session, source, 0)
  t.is(sent.length, records)
  // The copier counts by offsets: markers would be missing records to it.
  const values = Array.from({ length: 500 }, (_, n) => `${n}`)
  const batch = buildBatch(
    values.map((value) => ({ value: Buffer.from(value) })),
    { timestamp: Date.now() }
  )
  await session.send(plain, 0, batch)
  const copied = await tool(t, 'transactional-message-copier', [
    '--broker-list',
    broker.bootstrap,
    '--input-topic',
    plain,
    '--input-partition',
    '0',
    '--output-topic',
    target,
    '--max-messages',
    `${values.length}`,
    '--consumer-group',
    group,
    '--transaction-size',
    '50',
    '--transactional-id',
    uniqueName('copier'),
    '--enable-random-aborts',
    '--group-mode',
    '--use-group-metadata'
  ])
  t.regex(copied, /"ShutdownComplete"/)
  t.deepEqual(await committed(session, target, 0), values)
})

toolTest('kafka-transactions: list, describe, describe-producers, abort, find-hanging', async (t) => {
  const session = await setUp(t)
  const topic = uniqueName('tool')
  await session.createTopic(topic, 1)
  const producer = new Producer(session, uniqueName('open'))
  await producer.init()
  t.is(await producer.send(topic, 0, 'open'), 0)
  const transactions = (args: readonly string[]) => tool(t, 'transactions', ['--bootstrap-server', broker.bootstrap, ...args])
  const listed = await transactions(['list', '--transactional-id-pattern', `${producer.id}.*`])
  t.regex(listed, new RegExp(`${producer.id}\\s+\\d+\\s+${producer.producerId}\\s+Ongoing`))
  const described = await transactions(['describe', '--transactional-id', producer.id])
  t.regex(described, new RegExp(`${producer.id}\\s+${producer.producerId}\\s+${producer.epoch}\\s+Ongoing\\s+60000\\s.*${topic}-0`))
  const producers = await transactions(['describe-producers', '--topic', topic, '--partition', '0'])
  t.regex(producers, new RegExp(`${producer.producerId}\\s+${producer.epoch}\\s+-1\\s+0\\s+\\d+\\s+0`))
  // It is open, and known to its coordinator: it does not hang.
  t.notRegex(await transactions(['find-hanging', '--topic', topic, '--max-transaction-timeout', '1']), new RegExp(`${topic}\\s+0`))
  await transactions(['abort', '--topic', topic, '--partition', '0', '--start-offset', '0'])
  t.is(await session.offsetAt(topic, 0, -1, 1).then(({ offset }) => offset), 2)
  t.deepEqual(await committed(session, topic, 0), [])
})
