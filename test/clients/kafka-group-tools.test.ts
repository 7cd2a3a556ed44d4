/** Apache Kafka's tools that change what groups have committed, and those that find and end transactions that hang. Those of one test share a JVM. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { buildBatch } from '../../src/record/index.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTools, type ToolName } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { tempDir } from '../support/temp-dir.js'
import { Session } from '../takeover/session.js'
import { Producer, V1, committed } from '../transactions/producer.js'

const toolTest = haveTools ? test.serial : test.serial.skip
const oursTest = haveTools && !foreignBroker ? test.serial : test.serial.skip
const FIRST_TIME = 1_700_000_000_000
const HOUR_MS = 3_600_000
let broker: TestBroker

if (haveTools) {
  test.before(async () => {
    // So that a transaction can be made that its coordinator does not know.
    broker = await startBroker({
      settings: { 'transaction.partition.verification.enable': 'false', 'transaction.state.log.num.partitions': '2' }
    })
  })
  test.after.always(() => broker.stop())
}

async function setUp(t: ExecutionContext): Promise<{ session: Session; topic: string; group: string }> {
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  const [topic, group] = [uniqueName('tools'), uniqueName('tools')]
  // The times of the records are not to be of the past.
  await session.createTopic(topic, 2, { 'retention.ms': '-1' })
  return { session, topic, group }
}

/** Runs tools against the broker; each must succeed. Gives what they wrote. */
async function tools(t: ExecutionContext, runs: readonly (readonly [ToolName, ...string[]])[]): Promise<string[]> {
  const results = await runTools(runs.map(([name, ...args]) => [name, '--bootstrap-server', broker.bootstrap, ...args]))
  for (const [at, { code, text }] of results.entries()) t.is(code, 0, `${runs[at]!.join(' ')}:\n${text}`)
  return results.map(({ text }) => text)
}

toolTest('kafka-consumer-groups: offsets are reset in every way there is, exported, brought back, and deleted', async (t) => {
  const { session, topic, group } = await setUp(t)
  for (const index of [0, 1]) {
    for (let n = 0; n < 10; n++)
      await session.send(topic, index, buildBatch([{ value: Buffer.from(`${n}`) }], { timestamp: FIRST_TIME + n * HOUR_MS }))
    await session.commitOffset(group, topic, index, 4)
  }
  const reset = (...how: string[]): readonly [ToolName, ...string[]] =>
    ['consumer-groups', '--reset-offsets', '--group', group, '--topic', topic, '--execute', ...how] as const
  const describe: readonly [ToolName, ...string[]] = ['consumer-groups', '--describe', '--group', group]
  const file = path.join(await tempDir(t), 'offsets.csv')
  const asTime = new Date(FIRST_TIME + 2.5 * HOUR_MS).toISOString().replace('Z', '')
  const [before, , earliest, , shifted, , time, , latest, , back, , one, exported] = await tools(t, [
    describe,
    reset('--to-earliest'),
    describe,
    reset('--shift-by', '7'),
    describe,
    reset('--to-datetime', asTime),
    describe,
    reset('--to-latest'),
    describe,
    reset('--shift-by', '-100'),
    describe,
    ['consumer-groups', '--reset-offsets', '--group', group, '--topic', `${topic}:1`, '--to-offset', '6', '--execute'],
    describe,
    ['consumer-groups', '--reset-offsets', '--group', group, '--topic', topic, '--to-current', '--dry-run', '--export']
  ])
  const offsets = (text: string | undefined): string[] =>
    [0, 1].map((index) => new RegExp(`${topic}\\s+${index}\\s+(\\S+)\\s+10\\s`).exec(text ?? '')?.[1] ?? 'none')
  t.deepEqual(offsets(before), ['4', '4'])
  t.deepEqual(offsets(earliest), ['0', '0'])
  t.deepEqual(offsets(shifted), ['7', '7'])
  t.deepEqual(offsets(time), ['3', '3'])
  t.deepEqual(offsets(latest), ['10', '10'])
  t.deepEqual(offsets(back), ['0', '0'])
  t.deepEqual(offsets(one), ['0', '6'])
  const rows = exported!.split('\n').filter((line) => line.includes(topic))
  t.deepEqual(rows.map((row) => row.replaceAll('"', '')).toSorted(), [`${topic},0,0`, `${topic},1,6`])
  await writeFile(file, `${rows.join('\n').replace(',0,0', ',0,5')}\n`)
  t.true((await readFile(file, 'utf8')).includes(',0,5'))
  const [, restored, deleted, after] = await tools(t, [
    ['consumer-groups', '--reset-offsets', '--group', group, '--from-file', file, '--execute'],
    describe,
    ['consumer-groups', '--delete-offsets', '--group', group, '--topic', `${topic}:0`],
    describe
  ])
  t.deepEqual(offsets(restored), ['5', '6'])
  t.regex(deleted!, new RegExp(`${topic}\\s+0\\s+Successful`))
  t.deepEqual(offsets(after), ['none', '6'])
})

toolTest('kafka-streams-application-reset: the application begins anew', async (t) => {
  const { session, topic, group } = await setUp(t)
  const internal = `${group}-counts-changelog`
  await session.createTopic(internal, 1)
  await session.send(topic, 0, buildBatch([{ value: Buffer.from('v') }], { timestamp: FIRST_TIME }))
  await session.commitOffset(group, topic, 0, 1)
  const [text, described, topics] = await tools(t, [
    ['streams-application-reset', '--application-id', group, '--input-topics', topic, '--force'],
    ['consumer-groups', '--describe', '--group', group],
    ['topics', '--list']
  ])
  t.regex(text!, /Done/)
  t.regex(described!, new RegExp(`${topic}\\s+0\\s+0\\s+1\\s+1`))
  t.false(topics!.includes(internal))
  t.true(topics!.includes(topic))
})

oursTest('kafka-transactions finds a transaction that hangs, and ends it', async (t) => {
  const { session, topic } = await setUp(t)
  const producer = new Producer(session, uniqueName('hanging'), V1)
  t.is(await producer.init(), 0)
  const { producerId, epoch: producerEpoch } = producer
  const records = buildBatch([{ value: Buffer.from('hangs') }], {
    timestamp: Date.now() - HOUR_MS,
    producerId,
    producerEpoch,
    baseSequence: 0,
    transactional: true
  })
  // Never added, and not by this version either: no coordinator ends it.
  const topicData = [{ name: topic, partitionData: [{ index: 1, records }] }]
  const body = { transactionalId: producer.id, acks: -1, timeoutMs: 10_000, topicData }
  const { responses } = await session.client.request(produce, V1.produce, body)
  t.is(responses[0]!.partitionResponses[0]!.errorCode, 0)
  const [found, , again] = await tools(t, [
    ['transactions', 'find-hanging', '--broker-id', '1'],
    ['transactions', 'abort', '--topic', topic, '--partition', '1', '--start-offset', '0'],
    ['transactions', 'find-hanging', '--topic', topic]
  ])
  t.regex(found!, new RegExp(`${topic}\\s+1\\s+${producerId}\\s+${producerEpoch}\\s+-1\\s+0`))
  t.notRegex(again!, new RegExp(topic))
  t.is((await session.offsetAt(topic, 1, -1, 1)).offset, 2)
  t.deepEqual(await committed(session, topic, 1), [])
})
