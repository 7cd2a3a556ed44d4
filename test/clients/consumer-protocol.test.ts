/** The consumer protocol of KIP-848 with Apache Kafka's Java client and its tools. Each process is a JVM: the tests are serial. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTool, startTool, type ToolName } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'

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

async function tool(t: ExecutionContext, name: ToolName, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runTool(name, ['--bootstrap-server', broker.bootstrap, ...args], { input })
  t.is(code, 0, `${name} ${args.join(' ')}:\n${stdout}${stderr}`)
  return stdout
}

toolTest('a console consumer of the consumer protocol reads, commits, leaves; the tools see the group', async (t) => {
  const topic = uniqueName('kip848')
  const group = uniqueName('group')
  await tool(t, 'topics', ['--create', '--topic', topic, '--partitions', '2'])
  await tool(t, 'console-producer', ['--topic', topic], '1\n2\n3\n4\n')
  const reads = (more: readonly string[]) =>
    tool(t, 'console-consumer', ['--group', group, '--max-messages', '4', '--timeout-ms', '20000', ...CONSUMER, ...more])
  const read = await reads(['--topic', topic, '--from-beginning'])
  t.deepEqual(read.trim().split('\n').toSorted(), ['1', '2', '3', '4'])
  await tool(t, 'console-producer', ['--topic', topic], '5\n6\n7\n8\n')
  // By a regular expression, which the broker evaluates; it goes on where the first has ended.
  const rest = await reads(['--include', `${topic.slice(0, -1)}.`])
  t.deepEqual(rest.trim().split('\n').toSorted(), ['5', '6', '7', '8'])
  t.regex(await tool(t, 'consumer-groups', ['--list', '--type']), new RegExp(`${group}\\s+Consumer`))
  t.regex(await tool(t, 'consumer-groups', ['--describe', '--group', group, '--state']), /Empty\s+0/)
  await tool(t, 'consumer-groups', ['--delete', '--group', group])
  t.false((await tool(t, 'consumer-groups', ['--list'])).includes(group))
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
  await tool(t, 'topics', ['--create', '--topic', topic, '--partitions', '4'])
  const consumer = ['--group-protocol', 'consumer']
  const members = await Promise.all([Verifiable.start(topic, group, consumer), Verifiable.start(topic, group, consumer)])
  t.teardown(() => Promise.all(members.map((member) => member.stop())))
  await settled(members, [2, 2])
  const classic = await Verifiable.start(topic, group, [
    '--group-protocol',
    'classic',
    '--assignment-strategy',
    'org.apache.kafka.clients.consumer.CooperativeStickyAssignor'
  ])
  members.push(classic)
  await settled(members, [2, 1, 1])
  const described = await tool(t, 'consumer-groups', ['--describe', '--group', group, '--members', '--verbose'])
  t.is(described.match(/Classic|Consumer/gi) === null ? 0 : 1, 1, described)
  await members[0]!.stop()
  await settled(members.slice(1), [2, 2])
  await members[1]!.stop()
  // The group is a classic one again.
  await settled([classic], [4])
  t.regex(await tool(t, 'consumer-groups', ['--list', '--type']), new RegExp(`${group}\\s+Classic`))
})
