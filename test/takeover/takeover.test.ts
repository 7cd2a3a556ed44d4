/**
 * Folders of Apache Kafka taken over and given back: filled by Kafka, in both its log directories alike; one is given to Sluice as a clean stop
 * leaves it, the other as kill -9 in the middle of writing does; Sluice goes on writing, and gives them back in the same way.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startChildBroker, type ChildBroker } from '../support/broker.js'
import { copyAsKilled, copyFolders, startKafka, type KafkaBroker } from '../support/kafka-broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { ownedTempDir } from '../support/temp-dir.js'
import { administer, administration } from './administration.js'
import { CLEANED, cleanHere, cleanInKafka, type Pass } from './cleaners.js'
import { CONSOLE_PROPERTIES, consoleLine, contentsOf, type Contents } from './contents.js'
import { BEGIN, BusyWriter, fillInKafka, goOn, PARTITIONS, recordsFrom, TOPICS, transact, type Producers } from './data.js'
import { checkpointed, describeSegments, eventually, whenCleaned } from './folders.js'
import { Session } from './session.js'

const kafkaTest = haveTools && !foreignBroker ? test.serial : test.serial.skip
const TIMEOUT_MS = 300_000
const READ_BACK = Object.keys(TOPICS).filter((topic) => topic !== 'busy')
const KAFKA_SETTINGS = {
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'auto.create.topics.enable': 'false',
  'log.retention.ms': '-1',
  'log.cleaner.backoff.ms': '50',
  // What DeleteRecords did is in the checkpoint soon; the rest keeps its default, so that a killed broker has much to recover.
  'log.initial.task.delay.ms': '200',
  'log.flush.start.offset.checkpoint.interval.ms': '200'
}

/** Who speaks in Kafka's log of what lies on the disk. Others complain of requests that come while it starts. */
const OF_FILES =
  /\((kafka\.(log|cluster|coordinator|raft)|org\.apache\.kafka\.(storage|coordinator|image|server\.fault|snapshot)|kafka\.server\.(Repl|meta))[^()]*\)$/
/** The batches out of turn that we send. */
const REFUSED = /Error processing append operation on partition \S+:(keyed|txn)-\d /
/** Also of what Kafka's own cleaner has written: a batch that was emptied has the largest timestamp of its segment, but no record. */
const EMPTIED = /Found timestamp mismatch in :.*\n {2}Index timestamp: \d+, log timestamp: -1\n/g

/** By topic and partition. */
type Everything = Map<string, { readonly all: Contents; readonly committed: Contents; readonly byTime: readonly unknown[] }>

/** What is handed from test to test. */
const busy = new BusyWriter()
let base: string
/** Kafka's log directories: what is done to the second one is done by kill -9. */
let dirs: [string, string]
let port: number
let producers: Producers
let passes: readonly Pass[]
let topics: Awaited<ReturnType<Session['topics']>>
let before: Everything
let rules: readonly string[]
/** Acknowledged by the broker that was killed. */
let promised: Map<number, string>
let remove: (() => Promise<void>) | undefined

test.before(async () => {
  const folder = await ownedTempDir()
  base = folder.dir
  remove = folder.remove
  dirs = [path.join(base, 'data'), path.join(base, 'more')]
  port = await freePort()
})
test.after.always(() => remove?.())

async function startOnFolder(t: ExecutionContext): Promise<KafkaBroker> {
  const broker = await startKafka({ port, dir: base, settings: { ...KAFKA_SETTINGS, 'log.dirs': dirs.join(',') } })
  t.teardown(() => broker.stop())
  return broker
}

async function startSluice(t: ExecutionContext, [first, second]: readonly string[] = dirs): Promise<ChildBroker> {
  const broker = await startChildBroker({
    dir: `${first},${second}`,
    settings: { 'log.retention.ms': '-1', 'log.cleaner.backoff.ms': '50' }
  })
  t.teardown(() => broker.stop())
  return broker
}

async function connect(t: ExecutionContext, address: { readonly host: string; readonly port: number }): Promise<Session> {
  const session = await Session.connect(address)
  t.teardown(() => session.close())
  producers?.use(session)
  return session
}

async function everything(session: Session): Promise<Everything> {
  const found: Everything = new Map()
  for (const topic of READ_BACK) {
    for (const partition of PARTITIONS) {
      const all = await contentsOf(session, topic, partition, false)
      const committed = await contentsOf(session, topic, partition, true)
      const byTime = []
      for (const time of [-3, BEGIN, BEGIN + 21, BEGIN + 40, BEGIN + 333, Date.now() + 1_000_000]) {
        byTime.push(await session.offsetAt(topic, partition, time))
      }
      found.set(`${topic}-${partition}`, { all, committed, byTime })
    }
  }
  return found
}

function assertSame(t: ExecutionContext, found: Everything, expected: Everything): void {
  for (const [name, { all, committed, byTime }] of expected) {
    t.deepEqual(found.get(name)?.all, all, name)
    t.deepEqual(found.get(name)?.committed, committed, `${name}, committed`)
    t.deepEqual(found.get(name)?.byTime, byTime, `${name}, by time`)
  }
}

/** Records that were in flight may be there; those that were acknowledged must. */
async function assertBusy(t: ExecutionContext, session: Session, partition: number, expected: ReadonlyMap<number, string>): Promise<void> {
  const { records } = await contentsOf(session, 'busy', partition, false)
  t.true(expected.size > 0 && records.every(({ offset }, index) => offset === index), 'offsets without a gap')
  for (const [offset, value] of expected) t.is(records[offset]?.value, value)
}

/** Writes without a pause, and copies the directories in the middle of it as kill -9 would leave them. */
async function killInCopy(broker: { readonly host: string; readonly port: number; readonly pid: number }, name: string): Promise<string> {
  const copy = path.join(base, `killed-${name}`)
  const enough = busy.acknowledged.map(({ size }) => size + 60)
  busy.start(broker, name)
  await eventually('enough is written', () => busy.acknowledged.every(({ size }, partition) => size >= enough[partition]!))
  promised = new Map(busy.acknowledged[1])
  await copyAsKilled(broker.pid, dirs, copy)
  await busy.stop()
  return copy
}

/** The second directory becomes what was killed; the broker has stopped in the first one cleanly. */
function takeKilled(copy: string): void {
  rmSync(dirs[1], { recursive: true })
  renameSync(path.join(copy, 'more'), dirs[1])
  busy.acknowledged[1] = promised
}

/** What the idempotent producer wrote last is known by the next broker, and so is what must come after it. */
async function assertSequences(t: ExecutionContext): Promise<void> {
  for (const topic of ['keyed', 'txn']) {
    for (const partition of PARTITIONS) {
      const { offset, answer } = await producers.plain.retry(topic, partition)
      t.deepEqual(answer, { errorCode: ErrorCode.NONE, baseOffset: offset })
      const { errorCode } = await producers.plain.skipOne(topic, partition, recordsFrom(topic, 0, 5, true))
      t.is(errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
  }
}

/** Apache Kafka's consumer sees the same as before. */
async function assertConsumed(t: ExecutionContext, bootstrap: string, expected: Everything, committed: boolean): Promise<void> {
  const lines = [...expected].flatMap(([name, { all, committed: stable }]) =>
    (committed ? stable : all).records.map((record) => consoleLine(Number(name.at(-1)), record))
  )
  const isolation = ['--isolation-level', committed ? 'read_committed' : 'read_uncommitted']
  const limits = ['--from-beginning', '--max-messages', `${lines.length}`, '--timeout-ms', '20000']
  const args = ['--bootstrap-server', bootstrap, '--include', READ_BACK.join('|'), ...isolation, ...limits, ...CONSOLE_PROPERTIES]
  const { code, stdout, stderr } = await runTool('console-consumer', args)
  t.is(code, 0, stderr)
  t.deepEqual(stdout.trimEnd().split('\n').toSorted(), lines.toSorted())
}

kafkaTest('Apache Kafka fills its folders', async (t) => {
  t.timeout(TIMEOUT_MS)
  const kafka = await startOnFolder(t)
  const session = await connect(t, kafka)
  for (const [topic, settings] of Object.entries(TOPICS)) {
    for (const partition of PARTITIONS) await session.prefer(dirs[partition]!, topic, partition)
    await session.createTopic(topic, PARTITIONS.length, settings)
  }
  producers = await fillInKafka(session)
  await session.setTopic('keyed', { 'min.compaction.lag.ms': '0' })
  for (const partition of PARTITIONS) {
    t.is(await session.dirOf('txn', partition), dirs[partition])
    await whenCleaned(dirs[partition]!, 'keyed', partition)
    const checkpoint = () => checkpointed(dirs[partition]!, 'log-start-offset-checkpoint', 'trimmed', partition)
    await eventually('the log start is in its checkpoint', () => checkpoint() === 30)
  }
  passes = await cleanInKafka(session, dirs[0], path.join(base, 'cleaners'))
  topics = await session.topics()
  await administer(session.client, 'kafka')
  rules = await administration(session.client)
  t.is(rules.length, 6)
  const copy = await killInCopy(kafka, 'kafka')
  before = await everything(session)
  const { all, committed } = before.get('txn-1')!
  t.true(committed.lastStableOffset < all.highWatermark && committed.records.length < all.records.length - 10)
  t.true(readdirSync(path.join(dirs[0], 'keyed-0')).filter((name) => name.endsWith('.log')).length > 2)
  await kafka.stop()
  copyFolders([path.join(copy, 'data'), path.join(copy, 'more')], path.join(base, 'whole'))
  takeKilled(copy)
})

kafkaTest('both cleaners leave the same of the same logs', async (t) => {
  for (const pass of passes) {
    await cleanHere(t, pass)
    for (const topic of Object.keys(CLEANED)) {
      const folder = `${topic}-0`
      const describe = (dir: string) => describeSegments(path.join(dir, folder), topic === 'cleaned-plain')
      const [start, ours, theirs] = await Promise.all([pass.before, pass.here, pass.after].map(describe))
      t.deepEqual(ours, theirs, topic)
      const count = (segments: typeof ours) => segments!.flatMap(({ batches }) => batches.flatMap(({ records }) => records)).length
      t.true(count(ours) < count(start) - 20, `${topic}: ${count(start)} to ${count(ours)} records`)
    }
  }
})

kafkaTest('Sluice takes over the folders of a killed Kafka', async (t) => {
  const ours = await startSluice(
    t,
    ['data', 'more'].map((name) => path.join(base, 'whole', name))
  )
  const session = await connect(t, ours)
  assertSame(t, await everything(session), before)
  for (const partition of PARTITIONS) t.deepEqual(await session.committedOffset('takeover', 'txn', partition), committedAt(11))
  await assertBusy(t, session, 1, promised)
  t.deepEqual(await session.topics(), topics)
  t.deepEqual(await administration(session.client), rules)
})

kafkaTest('Sluice takes over what was stopped and what was killed, and goes on', async (t) => {
  t.timeout(TIMEOUT_MS)
  const ours = await startSluice(t)
  const session = await connect(t, ours)
  assertSame(t, await everything(session), before)
  t.deepEqual(await session.topics(), topics)
  await assertBusy(t, session, 0, busy.acknowledged[0]!)
  await assertBusy(t, session, 1, promised)
  await Promise.all([false, true].map((committed) => assertConsumed(t, ours.bootstrap, before, committed)))
  for (const partition of PARTITIONS) t.deepEqual(await session.committedOffset('takeover', 'txn', partition), committedAt(11))
  await assertSequences(t)
  await goOn(session, producers, 20)
  await session.createTopic('from-sluice', 1)
  topics = await session.topics()
  t.deepEqual(await administration(session.client), rules)
  await administer(session.client, 'sluice', 'kafka')
  rules = await administration(session.client)
  t.is(rules.length, 11)
  for (const partition of PARTITIONS) await whenCleaned(dirs[partition]!, 'keyed', partition)
  const copy = await killInCopy(ours, 'sluice')
  before = await everything(session)
  t.notRegex(ours.log(), /ERROR|damaged|broken|missing/)
  await ours.stop()
  takeKilled(copy)
})

kafkaTest('kafka-dump-log has nothing to say against what Sluice has left', async (t) => {
  const dump = async (dir: string, pattern: RegExp, ...flags: string[]) => {
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name))
    const chosen = files.map((name) => path.join(dir, name)).join(',')
    const { code, stdout, stderr } = await runTool('dump-log', ['--files', chosen, ...flags], { timeoutMs: TIMEOUT_MS })
    t.is(code, 0, stderr)
    const told = stdout + stderr
    const complaint = /isvalid: false|mismatch|corrupt|Found timestamp|unexpected|Exception|Could not|error/i
    t.deepEqual(
      told
        .replaceAll(EMPTIED, '')
        .split('\n')
        .filter((line) => complaint.test(line)),
      []
    )
    return told
  }
  const all = /-[01]\/\d+\.(log|index|timeindex|txnindex|snapshot)$/
  const dumped = await Promise.all([dirs[1], dirs[0]].map((dir) => dump(dir, all, '--deep-iteration')))
  for (const told of dumped) t.regex(told, /endTxnMarker: ABORT/)
  const [theirs, ours] = await Promise.all([passes[1]!.after, passes[1]!.here].map((dir) => dump(dir, all, '--deep-iteration')))
  const emptied = (told: string) => (told.match(EMPTIED) ?? []).map((line) => line.replace(/\/\S*(after|here)\//, '')).toSorted()
  t.not(emptied(theirs!).length, 0)
  t.deepEqual(emptied(ours!), emptied(theirs!))
  const [, offsets, transactions] = await Promise.all([
    dump(dirs[0], /^[^_].*-0\/\d+\.(index|timeindex)$/, '--index-sanity-check'),
    dump(base, /^(data|more)\/__consumer_offsets-0\/\d+\.log$/, '--offsets-decoder'),
    dump(base, /^(data|more)\/__transaction_state-0\/\d+\.log$/, '--transaction-log-decoder')
  ])
  t.regex(offsets, /takeover/)
  t.regex(transactions, /takeover-open-1/)
})

kafkaTest('Apache Kafka goes on with what Sluice has left', async (t) => {
  t.timeout(TIMEOUT_MS)
  const kafka = await startOnFolder(t)
  const session = await connect(t, kafka)
  assertSame(t, await everything(session), before)
  t.deepEqual(await session.topics(), topics)
  t.deepEqual(await administration(session.client), rules)
  await assertBusy(t, session, 0, busy.acknowledged[0]!)
  await assertBusy(t, session, 1, promised)
  for (const partition of PARTITIONS) t.deepEqual(await session.committedOffset('takeover', 'txn', partition), committedAt(31))
  await assertSequences(t)
  await producers.openToCommit.end(true)
  await producers.openToAbort.end(false)
  await goOn(session, producers, 40)
  await transact(producers, ['txn', 'keyed'], 9000, 2)
  for (const partition of PARTITIONS) {
    const { all, committed } = (await everything(session)).get(`txn-${partition}`)!
    t.is(committed.lastStableOffset, all.highWatermark)
    const values = committed.records.map(({ value }) => value!.split(' ')[1])
    t.deepEqual(
      ['300', '301', '302', '303', '9002'].map((n) => values.includes(n)),
      [true, true, false, false, true]
    )
  }
  await kafka.stop()
  const complaints = kafka.complaints().filter((line) => OF_FILES.test(line))
  // Those of the batches out of turn show that complaints are found.
  t.true(complaints.some((line) => REFUSED.test(line)))
  t.deepEqual(
    complaints.filter((line) => !REFUSED.test(line)),
    []
  )
})

function committedAt(committedOffset: number) {
  return { committedOffset, metadata: `up to ${committedOffset}` }
}
