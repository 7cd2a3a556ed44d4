/**
 * Plays a group coordinator with members of the consumer protocol, for scenario texts; also with some of the classic protocol. A member is
 * named; it remembers its epoch and what it was assigned.
 *
 *     topic t 4                                       makes or grows a topic
 *     join g a topics=t regex=u.* instance=i          a first heartbeat, epoch 0
 *     beat g a owned=t:0,1 topics=t+u epoch=3         a later one; without options: nothing has changed. `ack`: it has what it was assigned
 *     leave g a epoch=-2
 *     classic-join g b topics=t owned=t:0             of the classic protocol; also classic-sync, classic-beat, classic-leave
 */
import { Buffer } from 'node:buffer'
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from '../../../src/coordinator/group/group-config.js'
import { groupCodec } from '../../../src/coordinator/group/group-codec.js'
import { GroupCoordinator } from '../../../src/coordinator/group/group-coordinator.js'
import type { ConsumerHeartbeatRequest, TopicIdPartitions } from '../../../src/coordinator/group/messages.js'
import { readAssignment, writeAssignment } from '../../../src/protocol/consumer-protocol.js'
import type { Command } from '../../support/scenario.js'
import { formatPartitions } from './consumer-records.js'
import { classicSubscription } from './consumer-subscription.js'
import { formatRecord, milliseconds, nameOf, split } from './group-driver.js'
import { MemoryLog } from './memory-log.js'
import { SimClock, turn } from './sim-clock.js'
import { idOf, SimTopics } from './sim-topics.js'

const silent = { info() {}, warn() {}, error() {} }

interface Member {
  id: string
  epoch: number
  assigned: TopicIdPartitions[]
}

export class ConsumerDriver {
  readonly clock = new SimClock()
  readonly log = new MemoryLog()
  readonly topics = new SimTopics()
  #config: GroupConfig = { ...DEFAULT_GROUP_CONFIG, initialRebalanceDelayMs: 0 }
  #coordinator = this.#start()
  #seen = 0
  #out: string[] = []
  readonly #members = new Map<string, Member>()

  #start(): GroupCoordinator {
    let uuids = 0
    const { clock, log, topics } = this
    const coordinator = new GroupCoordinator({
      clock,
      logger: silent,
      log,
      config: this.#config,
      partitions: () => 1,
      newUuid: () => `id${++uuids}`,
      topics
    })
    void coordinator.elect(0)
    return coordinator
  }

  async run(command: Command): Promise<string> {
    this.#out = []
    await turn()
    const method = this.#commands[command.name]
    if (!method) throw new Error(`no such command: ${command.name}`)
    await method(command)
    await turn()
    this.#printRecords()
    return this.#out.join('\n')
  }

  close(): Promise<void> {
    return this.#coordinator.close()
  }

  readonly #commands: Record<string, (command: Command) => Promise<void> | void> = {
    // maxSize, assignmentInterval, mayUpgrade, mayDowngrade, assignors
    config: ({ options }) => {
      const { maxSize, mayUpgrade, mayDowngrade, assignmentInterval, assignors } = options as Record<string, string | undefined>
      const { consumer } = this.#config
      this.#config = {
        ...this.#config,
        consumer: {
          ...consumer,
          maxSize: Number(maxSize ?? consumer.maxSize),
          mayUpgrade: mayUpgrade ? mayUpgrade === 'true' : consumer.mayUpgrade,
          mayDowngrade: mayDowngrade ? mayDowngrade === 'true' : consumer.mayDowngrade,
          assignors: assignors ? assignors.split('+') : consumer.assignors,
          assignmentIntervalMs: assignmentInterval ? () => milliseconds(assignmentInterval) : consumer.assignmentIntervalMs
        }
      }
      return this.#restart()
    },
    restart: () => this.#restart(),
    advance: ({ words }) =>
      this.clock.advance(milliseconds(words[0]!), async () => {
        await turn()
        this.#printRecords()
      }),
    topic: ({ words }) => {
      this.topics.set(words[0]!, Number(words[1]))
      this.#coordinator.topicsChanged()
    },
    'delete-topic': ({ words }) => {
      this.topics.delete(words[0]!)
      this.#coordinator.topicsChanged()
      this.#coordinator.topicsDeleted(words)
    },
    join: (command) => this.#beat(command, true),
    beat: (command) => this.#beat(command, false),
    leave: (command) => this.#beat({ ...command, options: { epoch: '-1', ...command.options } }, false),
    describe: (command) => this.#describe(command),
    list: async () => {
      const { groups } = await this.#coordinator.listGroups([], [])
      this.#print(`  ${groups.map((group) => `${group.groupId}(${group.groupState} ${group.groupType})`).join(' ') || 'nothing'}`)
    },
    'delete-group': async ({ words }) => {
      const { errorCode } = await this.#coordinator.deleteGroup(words[0]!)
      this.#printRecords()
      this.#print(`  ${nameOf(errorCode)}`)
    },
    commit: (command) => this.#commit(command),
    fetch: async ({ words, options }) => {
      const member = words[1] === undefined ? undefined : this.#member(words[1])
      const memberEpoch = Number(options['epoch'] ?? member?.epoch ?? -1)
      const request = { groupId: words[0]!, memberId: member?.id ?? null, memberEpoch, topics: null, requireStable: false }
      const { errorCode, topics } = await this.#coordinator.fetchOffsets(request)
      const offsets = topics.flatMap(({ name, partitions }) =>
        partitions.map((one) => `${name}-${one.partitionIndex}=${one.committedOffset}`)
      )
      this.#print(`  fetch: ${errorCode === 0 ? offsets.join(' ') || 'nothing' : nameOf(errorCode)}`)
    },
    'classic-join': (command) => this.#classicJoin(command),
    'classic-sync': async ({ words, options }) => {
      // a>t:0,1|b>t:2
      const assignments = split(options['assign']?.replaceAll(',', '+').replaceAll('|', ',')).map((item) => {
        const [member = '', partitions = ''] = item.replaceAll('+', ',').split('>')
        return { memberId: this.#member(member).id, assignment: writeAssignment(partitionsByName(partitions), Buffer.from([0, 1])) }
      })
      const answer = this.#coordinator.syncGroup({ ...this.#classic(words), protocolType: null, protocolName: null, assignments })
      void answer.then(({ errorCode, assignment }) => {
        this.#printRecords()
        this.#print(`  ${words[1]}: ${errorCode === 0 ? `synced ${formatAssignment(assignment)}` : nameOf(errorCode)}`)
      })
    },
    'classic-beat': async ({ words }) => {
      const { errorCode } = await this.#coordinator.heartbeat(this.#classic(words))
      this.#print(`  ${words[1]}: ${nameOf(errorCode)}`)
    },
    'classic-leave': async ({ words, options }) => {
      const member = { memberId: this.#member(words[1]!).id, groupInstanceId: options['instance'] ?? null }
      const { members } = await this.#coordinator.leaveGroup({ groupId: words[0]!, members: [member] })
      this.#printRecords()
      this.#print(`  ${words[1]}: ${members.map(({ errorCode }) => nameOf(errorCode)).join()}`)
    }
  }

  async #restart(): Promise<void> {
    await this.#coordinator.close()
    this.#coordinator = this.#start()
    await turn()
  }

  #print(line: string): void {
    this.#out.push(line)
  }

  #printRecords(): void {
    const entries = this.log.entries(0)
    for (; this.#seen < entries.length; this.#seen++) {
      const entry = entries[this.#seen]!
      if (!('batch' in entry)) continue
      for (const { key, value } of entry.batch) this.#print(`  > ${formatRecord(groupCodec.decode(key, value))}`)
    }
  }

  #member(name: string): Member {
    let member = this.#members.get(name)
    if (!member) this.#members.set(name, (member = { id: name, epoch: 0, assigned: [] }))
    return member
  }

  async #beat({ words, options }: Command, joins: boolean): Promise<void> {
    const [groupId = '', name = '', ack] = words
    const member = this.#member(name)
    if (options['id'] !== undefined) member.id = options['id']
    const owned = options['owned'] === undefined ? (ack === 'ack' ? member.assigned : joins ? [] : null) : partitionsOf(options['owned'])
    const request: ConsumerHeartbeatRequest = {
      groupId,
      memberId: member.id,
      memberEpoch: Number(options['epoch'] ?? (joins ? 0 : member.epoch)),
      instanceId: options['instance'] ?? null,
      rackId: options['rack'] ?? null,
      rebalanceTimeoutMs: options['rebalance'] ? Number(options['rebalance']) : joins ? 30_000 : -1,
      subscribedTopicNames: options['topics'] === undefined ? null : split(options['topics'].replaceAll('+', ',')),
      subscribedTopicRegex: options['regex'] ?? null,
      serverAssignor: options['assignor'] ?? null,
      topicPartitions: owned
    }
    const context = { apiVersion: Number(options['version'] ?? 1), clientId: 'c', clientAddress: '127.0.0.1' }
    const answer = await this.#coordinator.consumerGroupHeartbeat(request, context)
    this.#printRecords()
    if (answer.errorCode !== 0) return this.#print(`  ${name}: ${nameOf(answer.errorCode)} ${answer.errorMessage}`)
    member.epoch = answer.memberEpoch
    if (answer.memberId !== member.id) {
      member.id = answer.memberId ?? member.id
      this.#print(`  ${name} is ${member.id}`)
    }
    const { assignment } = answer
    if (assignment) member.assigned = assignment.topicPartitions
    this.#print(`  ${name}: epoch ${answer.memberEpoch}${assignment ? `, ${formatPartitions(assignment.topicPartitions)}` : ''}`)
  }

  async #describe({ words }: Command): Promise<void> {
    const group = await this.#coordinator.describeConsumerGroup(words[0]!)
    if (group.errorCode !== 0) return this.#print(`  ${nameOf(group.errorCode)} ${group.errorMessage}`)
    this.#print(`  ${group.groupState} epoch=${group.groupEpoch} assignment=${group.assignmentEpoch} ${group.assignorName}`)
    for (const member of group.members) {
      const [has, target] = [member.assignment, member.targetAssignment].map(({ topicPartitions }) => formatPartitions(topicPartitions))
      const subscribed = [...member.subscribedTopicNames, member.subscribedTopicRegex ?? ''].filter(Boolean).join('+')
      this.#print(`    ${member.memberId} epoch=${member.memberEpoch} type=${member.memberType} ${subscribed}: ${has} -> ${target}`)
    }
  }

  async #commit({ words, options }: Command): Promise<void> {
    const [groupId = '', name = '', place = ''] = words
    const [topic = '', partition = '', offset = ''] = place.split(':')
    const member = name === '-' ? { id: '', epoch: -1 } : this.#member(name)
    const partitions = [
      { partitionIndex: Number(partition), committedOffset: Number(offset), committedLeaderEpoch: -1, committedMetadata: '' }
    ]
    const { errorCode, topics } = await this.#coordinator.commitOffsets(
      {
        groupId,
        memberId: member.id,
        generationId: Number(options['epoch'] ?? member.epoch),
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [{ name: topic, topicId: idOf(topic), partitions }]
      },
      options['version'] !== '8'
    )
    this.#printRecords()
    this.#print(`  commit: ${nameOf(errorCode || topics[0]!.partitions[0]!.errorCode)}`)
  }

  #classic(words: readonly string[]) {
    const member = this.#member(words[1]!)
    return { groupId: words[0]!, memberId: member.id, groupInstanceId: null, generationId: member.epoch }
  }

  #classicJoin({ words, options }: Command): void {
    const [groupId = '', name = '', fresh] = words
    const member = this.#member(name)
    const owned = partitionsByName(options['owned'] ?? '')
    const metadata = classicSubscription(split((options['topics'] ?? 't').replaceAll('+', ',')), owned)
    const request = {
      groupId,
      memberId: fresh === 'new' ? '' : member.id,
      groupInstanceId: options['instance'] ?? null,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: options['type'] ?? 'consumer',
      protocols: split(options['protocols'] ?? 'range').map((protocol) => ({ name: protocol, metadata }))
    }
    const context = { apiVersion: Number(options['version'] ?? 3), clientId: 'c', clientAddress: '127.0.0.1' }
    void this.#coordinator.joinGroup(request, context).then((answer) => {
      this.#printRecords()
      if (answer.memberId !== '') member.id = answer.memberId
      if (answer.errorCode !== 0) return this.#print(`  ${name}: ${nameOf(answer.errorCode)}`)
      member.epoch = answer.generationId
      this.#print(`  ${name}: joined ${answer.generationId} ${answer.protocolName} as ${answer.memberId}, leader ${answer.leader || '-'}`)
    })
  }
}

/** `t:0,1;u:2` */
function partitionsOf(list: string): TopicIdPartitions[] {
  return partitionsByName(list).map(({ topic, partitions }) => ({ topicId: idOf(topic), partitions }))
}

function partitionsByName(list: string): { topic: string; partitions: number[] }[] {
  if (list === '') return []
  return list.split(';').map((item) => {
    const [topic = '', partitions = ''] = item.split(':')
    return { topic, partitions: partitions.split(',').map(Number) }
  })
}

function formatAssignment(bytes: Uint8Array): string {
  const { assignedPartitions } = readAssignment(Buffer.from(bytes))
  return assignedPartitions.map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`).join(' ') || '-'
}
