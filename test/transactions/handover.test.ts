/** Transactions that are begun in one broker and ended in the other, and a consumer group that goes on: Apache Kafka and Sluice on one folder in turn. */
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { startKafka } from '../support/kafka-broker.js'
import { haveTools } from '../support/kafka-tools.js'
import { temporaryFolder } from '../storage/support.js'
import { Members } from '../takeover/group-members.js'
import { Session } from '../takeover/session.js'
import { Producer, V1, V2, committed, stableOffset } from './producer.js'

const kafkaTest = haveTools && !foreignBroker ? test : test.skip
const TOPIC = 'handed'
const GROUP = 'group'
const SETTINGS = {
  'transaction.state.log.num.partitions': '2',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'group.consumer.assignment.interval.ms': '0'
}

async function connect(t: ExecutionContext, address: { readonly host: string; readonly port: number }): Promise<Session> {
  const session = await Session.connect(address)
  t.teardown(() => session.close())
  await session.coordinator(GROUP, 0)
  return session
}

/** The same producer with another broker. */
async function goOn(session: Session, before: Producer): Promise<Producer> {
  const producer = new Producer(session, before.id, before.versions)
  producer.become({ producerId: before.producerId, producerEpoch: before.epoch })
  for (const [place, sequence] of before.sequences) producer.sequences.set(place, sequence)
  await session.coordinator(producer.id, 1)
  return producer
}

/** Leaves one transaction open for each kind of client, with a record and an offset; others are committed and aborted. Gives those that are open. */
async function leaveOpen(t: ExecutionContext, session: Session, name: string): Promise<Producer[]> {
  const open: Producer[] = []
  for (const [at, versions] of [V1, V2].entries()) {
    const producer = new Producer(session, `${name}-${at}`, versions)
    t.is(await producer.init(600_000), 0)
    for (const [what, ends] of [
      ['committed', true],
      ['aborted', false]
    ] as const) {
      t.is(await producer.send(TOPIC, 0, `${name}-${at}-${what}`), 0)
      t.is(await producer.end(ends), 0)
    }
    t.is(await producer.send(TOPIC, 0, `${name}-${at}-open`), 0)
    t.is(await producer.commitOffset(`${GROUP}-${at}`, TOPIC, name.length), 0)
    open.push(producer)
  }
  return open
}

/** Commits what the other broker has left open. */
async function commitAll(t: ExecutionContext, session: Session, open: readonly Producer[], name: string): Promise<void> {
  for (const [at, before] of open.entries()) {
    const producer = await goOn(session, before)
    t.is((await producer.describe()).transactionState, 'Ongoing')
    t.is(await producer.send(TOPIC, 0, `${name}-${at}-more`), 0)
    t.is(await producer.end(true), 0)
    t.is(await producer.completed(), 'CompleteCommit')
    t.is(await stableOffset(session, `${GROUP}-${at}`, TOPIC), name.length)
  }
}

/** Nothing has happened to the group: it has its epoch and its assignment. */
async function sameGroup(
  t: ExecutionContext,
  bootstrap: string,
  before: Members,
  group: Awaited<ReturnType<Members['describe']>>
): Promise<Members> {
  const members = await Members.connect(bootstrap, before)
  await members.settle()
  t.deepEqual(await members.describe(), group)
  return members
}

const expected = (name: string): string[] =>
  [0, 1].flatMap((at) => ['committed', 'open', 'more'].map((what) => `${name}-${at}-${what}`)).toSorted()

kafkaTest('transactions, and the members of a consumer group, go on in the other broker', async (t) => {
  t.timeout(180_000)
  const dir = await temporaryFolder(t)
  const port = await freePort()
  const inKafka = async () => {
    const broker = await startKafka({ port, dir, settings: SETTINGS })
    t.teardown(() => broker.stop())
    return broker
  }
  const first = await inKafka()
  const one = await connect(t, first)
  await one.createTopic(TOPIC, 1)
  const fromKafka = await leaveOpen(t, one, 'kafka')
  let members = await Members.connect(first.bootstrap)
  await members.createTopic('t')
  await members.beat('a')
  await members.settle()
  const group = await members.describe()
  t.is(group.groupState, 'Stable')
  members.close()
  await first.stop()

  const ours = await startChildBroker({ dir: path.join(dir, 'data'), settings: { 'group.consumer.assignment.interval.ms': '0' } })
  t.teardown(() => ours.stop())
  const two = await connect(t, ours)
  await commitAll(t, two, fromKafka, 'kafka')
  t.deepEqual((await committed(two, TOPIC, 0)).toSorted(), expected('kafka'))
  const fromSluice = await leaveOpen(t, two, 'sluice')
  members = await sameGroup(t, ours.bootstrap, members, group)
  t.is(await members.commit('a', group.shares[0]![1] as number), 0)
  members.close()
  await ours.stop()

  const last = await inKafka()
  const three = await connect(t, last)
  await commitAll(t, three, fromSluice, 'sluice')
  t.deepEqual((await committed(three, TOPIC, 0)).toSorted(), [...expected('kafka'), ...expected('sluice')].toSorted())
  members = await sameGroup(t, last.bootstrap, members, group)
  t.is(await members.commit('b', group.shares[1]![1] as number), 0)
  members.close()
  await last.stop()
  t.deepEqual(
    last.complaints().filter((line) => /transaction|Transaction|producer state/.test(line)),
    []
  )
})
