/** The consumer protocol of KIP-848 with Apache Kafka's Java client and its tools. Each process is a JVM: the tests are serial. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import test from 'ava'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.js'
import { listGroups } from '../../src/protocol/messages/16-list-groups.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { buildBatch } from '../../src/record/index.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTools, startTool } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { tempDir } from '../support/temp-dir.js'
import { Session } from '../takeover/session.js'

const toolTest = haveTools ? test.serial : test.serial.skip
const CONSUMER = ['--command-property', 'group.protocol=consumer']
let broker: TestBroker

if (haveTools) {
  test.before(async () => {
    // Heartbeats are what members learn of a rebalance by: the shorter, the sooner the test is over.
    const settings = {
      'group.consumer.heartbeat.interval.ms': '500',
      'group.consumer.min.heartbeat.interval.ms': '500',
      'group.consumer.assignment.interval.ms': '100'
    }
    broker = await startBroker({ settings })
  })
  test.after.always(() => broker.stop())
}

toolTest('a console consumer of the consumer protocol reads, commits, leaves; the tools see the group', async (t) => {
  const topic = uniqueName('kip848')
  const group = uniqueName('group')
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  await session.createTopic(topic, 2)
  for (let at = 1; at <= 8; at++)
    await session.send(topic, at % 2, buildBatch([{ value: Buffer.from(String(at)) }], { timestamp: Date.now() }))
  const at = ['--bootstrap-server', broker.bootstrap] as const
  const reads = ['console-consumer', ...at, '--group', group, '--max-messages', '4', '--timeout-ms', '20000', ...CONSUMER] as const
  // One JVM for all of them. By a regular expression, which the broker evaluates, the second goes on where the first has ended.
  const [first, rest, list, state, deleted, listed] = await runTools([
    [...reads, '--topic', topic, '--from-beginning'],
    [...reads, '--include', `${topic.slice(0, -1)}.`],
    ['consumer-groups', ...at, '--list', '--type'],
    ['consumer-groups', ...at, '--describe', '--group', group, '--state'],
    ['consumer-groups', ...at, '--delete', '--group', group],
    ['consumer-groups', ...at, '--list']
  ])
  const values = [first, rest].flatMap((run) => run!.text.split('\n').filter((line) => /^\d$/.test(line)))
  t.deepEqual(values.toSorted(), ['1', '2', '3', '4', '5', '6', '7', '8'], `${first?.text}${rest?.text}`)
  t.regex(list!.text, new RegExp(`${group}\\s+Consumer`))
  t.regex(state!.text, /Empty\s+0/)
  t.is(deleted!.code, 0, deleted!.text)
  t.false(listed!.text.includes(group))
})

class Verifiable {
  readonly #child: ChildProcess
  /** Partitions that it has now, by what it has printed. */
  readonly partitions = new Set<number>()
  onChange = (): void => undefined

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface(child.stdout!).on('line', (line) => {
      const event = JSON.parse(line) as { name: string; partitions?: { partition: number }[] }
      for (const { partition } of event.partitions ?? []) {
        if (event.name === 'partitions_assigned') this.partitions.add(partition)
        else if (event.name === 'partitions_revoked') this.partitions.delete(partition)
      }
      this.onChange()
    })
  }

  static async start(topic: string, group: string, protocol: readonly string[]): Promise<Verifiable> {
    const args = ['--bootstrap-server', broker.bootstrap, '--topic', topic, '--group-id', group, ...protocol]
    return new Verifiable(await startTool('verifiable-consumer', args))
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'close')
  }
}

/** Resolves when the members have so many partitions each, all different. */
function settled(members: readonly Verifiable[], sizes: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`members have ${members.map((each) => [...each.partitions].join()).join(' | ')}`)),
      60_000
    )
    const look = (): void => {
      const all = members.flatMap((member) => [...member.partitions])
      const now = members.map(({ partitions }) => partitions.size).toSorted((a, b) => b - a)
      if (new Set(all).size !== all.length || now.join() !== sizes.join()) return
      clearTimeout(timer)
      resolve()
    }
    for (const member of members) member.onChange = look
    look()
  })
}

toolTest('four partitions, two members, then three; a member of the classic protocol comes, and remains alone', async (t) => {
  const topic = uniqueName('kip848')
  const group = uniqueName('group')
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  await session.createTopic(topic, 4)
  // By default a member of the classic protocol learns of a rebalance every three seconds.
  const properties = path.join(await tempDir(t), 'consumer.properties')
  await writeFile(properties, 'heartbeat.interval.ms=300\n')
  const consumer = ['--group-protocol', 'consumer']
  const members = await Promise.all([Verifiable.start(topic, group, consumer), Verifiable.start(topic, group, consumer)])
  t.teardown(() => Promise.all(members.map((member) => member.stop())))
  await settled(members, [2, 2])
  const classic = await Verifiable.start(topic, group, [
    '--command-config',
    properties,
    '--group-protocol',
    'classic',
    '--assignment-strategy',
    'org.apache.kafka.clients.consumer.CooperativeStickyAssignor'
  ])
  members.push(classic)
  await settled(members, [2, 1, 1])
  t.deepEqual(await typeOf(session, group), ['consumer', 3])
  await members[0]!.stop()
  await settled(members.slice(1), [2, 2])
  await members[1]!.stop()
  // The group is a classic one again.
  await settled([classic], [4])
  t.deepEqual(await typeOf(session, group), ['classic', 1])
})

/** Of which protocol a group is, and how many members it has. */
async function typeOf({ client }: Session, group: string): Promise<[type: string | undefined, members: number]> {
  const { groups } = await client.request(listGroups, 5, { statesFilter: [], typesFilter: [] })
  const groupType = groups.find(({ groupId }) => groupId === group)?.groupType
  const one = { groupIds: [group], includeAuthorizedOperations: false }
  const consumer = await client.request(consumerGroupDescribe, 1, one)
  const classic = await client.request(describeGroups, 5, { groups: [group], includeAuthorizedOperations: false })
  return [groupType, consumer.groups[0]!.members.length + classic.groups[0]!.members.length]
}
