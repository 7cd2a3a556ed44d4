/**
 * Plays a group coordinator for scenario texts: one shard over a log in memory, a clock that stands still, member ids that count. Each
 * command prints what it did: records that were written, answers that were given (a parked request prints when it is answered).
 *
 *     join g m1 version=9 instance=i protocols=range:a,sticky:b        member names: `-` none, `@x` the id that `x` was given
 *     sync g @m1 generation=1 assign=@m1:p0,@m2:p1
 */
import type { Command } from '../../support/scenario.js'
import { Buffer } from 'node:buffer'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { groupCodec } from '../../../src/coordinator/group/group-codec.js'
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from '../../../src/coordinator/group/group-config.js'
import type { GroupRecord } from '../../../src/coordinator/group/group-records.js'
import { formatConsumerRecord } from './consumer-records.js'
import { GroupCoordinator } from '../../../src/coordinator/group/group-coordinator.js'
import type { JoinGroupResponse, SyncGroupResponse } from '../../../src/coordinator/group/messages.js'
import { MemoryLog } from './memory-log.js'
import { SimClock, turn } from './sim-clock.js'

const PARTITION = 0
const ERROR_NAMES = new Map(Object.entries(ErrorCode).map(([name, code]) => [code as number, name]))

const silent = { info() {}, warn() {}, error() {} }

export class GroupDriver {
  readonly clock = new SimClock()
  readonly log = new MemoryLog()
  #config: GroupConfig = DEFAULT_GROUP_CONFIG
  #coordinator: GroupCoordinator
  #uuids = 0
  #seen = 0
  #out: string[] = []
  /** The last member id that each name was given. */
  readonly #ids = new Map<string, string>()

  constructor() {
    this.#coordinator = this.#start()
  }

  #start(): GroupCoordinator {
    return new GroupCoordinator({
      clock: this.clock,
      logger: silent,
      log: this.log,
      config: this.#config,
      partitions: () => 1,
      newUuid: () => `${++this.#uuids}`
    })
  }

  async run(command: Command): Promise<string> {
    this.#out = []
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

  #print(line: string): void {
    this.#out.push(line)
  }

  readonly #commands: Record<string, (command: Command) => Promise<void> | void> = {
    config: async ({ options }) => {
      await this.#coordinator.close()
      const changes = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, Number(value)]))
      this.#config = { ...this.#config, ...changes }
      this.#coordinator = this.#start()
      return this.#coordinator.elect(PARTITION)
    },
    start: () => this.#coordinator.elect(PARTITION),
    // What a kill leaves: only the log.
    restart: async () => {
      await this.#coordinator.close()
      await turn()
      this.#coordinator = this.#start()
      await this.#coordinator.elect(PARTITION)
    },
    resign: () => this.#coordinator.resign(PARTITION),
    'hold-writes': () => this.log.hold(),
    'release-writes': () => this.log.release(),
    'fail-write': ({ words }) => this.log.failNext(codeOf(words[0]!)),
    advance: ({ words }) => this.clock.advance(milliseconds(words[0]!), () => this.#tick()),
    join: (command) => this.#join(command),
    sync: (command) => this.#sync(command),
    heartbeat: (command) => this.#heartbeat(command),
    leave: (command) => this.#leave(command),
    commit: (command) => this.#commit(command),
    fetch: (command) => this.#fetch(command),
    'delete-offsets': (command) => this.#deleteOffsets(command),
    'delete-group': async ({ words }) => {
      const { errorCode } = await this.#coordinator.deleteGroup(words[0]!)
      this.#print(`  ${nameOf(errorCode)}`)
    },
    'delete-topic': ({ words }) => this.#coordinator.topicsDeleted(words),
    describe: (command) => this.#describe(command),
    list: (command) => this.#list(command),
    'txn-commit': ({ words, options }) => {
      const [groupId = '', topic = ''] = words
      const value = { ...offsetValue(Number(options['offset'])), commitTimestamp: this.clock.now() }
      const record: GroupRecord = { type: 'offset', groupId, topic, partition: 0, value }
      this.log.put(PARTITION, [groupCodec.encode(record)], Number(options['producer']))
      this.#seen++
    },
    'txn-end': ({ words, options }) => {
      this.log.putMarker(PARTITION, Number(options['producer']), words[0] === 'commit')
      this.#seen++
    },
    // A record as another Kafka left it: key and value in hex, the value `null` for a tombstone.
    'put-record': ({ words }) => {
      const [key = '', value = 'null'] = words
      this.log.put(PARTITION, [{ key: Buffer.from(key, 'hex'), value: value === 'null' ? null : Buffer.from(value, 'hex') }])
      this.#seen++
    }
  }

  async #tick(): Promise<void> {
    await turn()
    this.#printRecords()
  }

  #printRecords(): void {
    const entries = this.log.entries(PARTITION)
    for (; this.#seen < entries.length; this.#seen++) {
      const entry = entries[this.#seen]!
      if (!('batch' in entry)) continue
      for (const { key, value } of entry.batch) this.#print(`  > ${formatRecord(groupCodec.decode(key, value))}`)
    }
  }

  /** Answers print when they come, with who asked. */
  #whenAnswered<T>(who: string, answer: Promise<T>, format: (answer: T) => string): void {
    void answer.then((value) => {
      this.#printRecords()
      this.#print(`  ${who}: ${format(value)}`)
    })
  }

  #member(word: string | undefined): string {
    if (word === undefined || word === '-') return ''
    return word.startsWith('@') ? (this.#ids.get(word.slice(1)) ?? word) : word
  }

  #join({ words, options }: Command): void {
    const [groupId = '', word = '-'] = words
    const name = options['as'] ?? word.replace('@', '')
    const request = {
      groupId,
      memberId: this.#member(word),
      groupInstanceId: options['instance'] ?? null,
      sessionTimeoutMs: milliseconds(options['session'] ?? '10s'),
      rebalanceTimeoutMs: options['rebalance'] === '-1' ? -1 : milliseconds(options['rebalance'] ?? '30s'),
      protocolType: options['type'] ?? 'consumer',
      protocols: protocolsOf(options['protocols'] ?? 'range')
    }
    const context = { apiVersion: Number(options['version'] ?? 9), clientId: options['client'] ?? 'c', clientAddress: '127.0.0.1' }
    this.#whenAnswered(name, this.#coordinator.joinGroup(request, context), (answer: JoinGroupResponse) => {
      if (answer.memberId !== '') this.#ids.set(name, answer.memberId)
      return formatJoin(answer)
    })
  }

  #sync({ words, options }: Command): void {
    const [groupId = '', word = '-'] = words
    const request = {
      groupId,
      memberId: this.#member(word),
      groupInstanceId: options['instance'] ?? null,
      generationId: Number(options['generation'] ?? 1),
      protocolType: options['type'] ?? null,
      protocolName: options['protocol'] ?? null,
      assignments: split(options['assign']).map((item) => {
        const [member = '', assignment = ''] = item.split(':')
        return { memberId: this.#member(member), assignment: Buffer.from(assignment) }
      })
    }
    this.#whenAnswered(word.replace('@', ''), this.#coordinator.syncGroup(request), formatSync)
  }

  async #heartbeat({ words, options }: Command): Promise<void> {
    const [groupId = '', word = '-'] = words
    const request = {
      groupId,
      memberId: this.#member(word),
      groupInstanceId: options['instance'] ?? null,
      generationId: Number(options['generation'] ?? 1)
    }
    this.#whenAnswered(word.replace('@', ''), this.#coordinator.heartbeat(request), ({ errorCode }) => nameOf(errorCode))
  }

  #leave({ words, options }: Command): void {
    const [groupId = '', ...members] = words
    const identities = members.map((word) => ({ memberId: this.#member(word), groupInstanceId: null as string | null }))
    for (const instance of split(options['instances'])) identities.push({ memberId: '', groupInstanceId: instance })
    this.#whenAnswered('leave', this.#coordinator.leaveGroup({ groupId, members: identities }), ({ errorCode, members: answers }) =>
      errorCode !== 0
        ? nameOf(errorCode)
        : answers.map((one) => `${one.memberId || one.groupInstanceId}=${nameOf(one.errorCode)}`).join(' ')
    )
  }

  #commit({ words, options }: Command): void {
    const [groupId = '', word = '-', ...offsets] = words
    const topics = offsets.map((item) => {
      const [name = '', partition = '', offset = '', metadata = ''] = item.split(':')
      const committedMetadata = options['metadata-bytes'] ? 'x'.repeat(Number(options['metadata-bytes'])) : metadata
      return {
        name,
        topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
        partitions: [{ partitionIndex: Number(partition), committedOffset: Number(offset), committedLeaderEpoch: -1, committedMetadata }]
      }
    })
    const request = {
      groupId,
      memberId: this.#member(word),
      groupInstanceId: options['instance'] ?? null,
      generationId: Number(options['generation'] ?? -1),
      retentionTimeMs: options['retention'] ? milliseconds(options['retention']) : -1,
      topics
    }
    this.#whenAnswered('commit', this.#coordinator.commitOffsets(request, options['version'] === '9'), ({ errorCode, topics: answers }) =>
      errorCode !== 0 ? nameOf(errorCode) : formatTopicErrors(answers)
    )
  }

  #fetch({ words, options }: Command): void {
    const [groupId = '', ...places] = words
    const topics = places.map((place) => {
      const [name = '', partition = '0'] = place.split(':')
      return { name, partitionIndexes: [Number(partition)] }
    })
    const request = {
      groupId,
      topics: places.length === 0 ? null : topics,
      memberId: null,
      memberEpoch: -1,
      requireStable: options['stable'] === 'true'
    }
    this.#whenAnswered('fetch', this.#coordinator.fetchOffsets(request), (answer) =>
      answer.errorCode !== 0
        ? nameOf(answer.errorCode)
        : answer.topics
            .flatMap(({ name, partitions }) =>
              partitions.map(
                ({ partitionIndex, committedOffset, metadata, errorCode }) =>
                  `${name}-${partitionIndex}=${committedOffset}${metadata && `(${metadata})`}${errorCode ? ` ${nameOf(errorCode)}` : ''}`
              )
            )
            .join(' ') || 'nothing'
    )
  }

  #deleteOffsets({ words }: Command): void {
    const [groupId = '', ...places] = words
    const topics = places.map((place) => {
      const [name = '', partition = '0'] = place.split(':')
      return { name, partitions: [{ partitionIndex: Number(partition) }] }
    })
    this.#whenAnswered('delete-offsets', this.#coordinator.deleteOffsets({ groupId, topics }), ({ errorCode, topics: answers }) =>
      errorCode !== 0 ? nameOf(errorCode) : formatTopicErrors(answers)
    )
  }

  #describe({ words }: Command): void {
    this.#whenAnswered(words[0]!, this.#coordinator.describeGroup(words[0]!), (group) => {
      if (group.errorCode !== 0) return `${nameOf(group.errorCode)} ${group.groupState}`
      const members = group.members.map(
        (member) =>
          `\n    ${member.memberId}${member.groupInstanceId ? ` instance=${member.groupInstanceId}` : ''} ${member.clientId}${member.clientHost}` +
          ` metadata=${text(member.memberMetadata)} assignment=${text(member.memberAssignment)}`
      )
      return `${group.groupState} ${group.protocolType || '-'} ${group.protocolData || '-'}${members.join('')}`
    })
  }

  #list({ options }: Command): void {
    this.#whenAnswered('list', this.#coordinator.listGroups(split(options['states']), split(options['types'])), ({ errorCode, groups }) =>
      errorCode !== 0
        ? nameOf(errorCode)
        : groups.map((group) => `${group.groupId}(${group.protocolType || '-'} ${group.groupState} ${group.groupType})`).join(' ') ||
          'nothing'
    )
  }
}

function codeOf(name: string): number {
  return (ErrorCode as Record<string, number>)[name]!
}

export function nameOf(errorCode: number): string {
  return errorCode === 0 ? 'ok' : (ERROR_NAMES.get(errorCode) ?? String(errorCode))
}

function text(bytes: Uint8Array): string {
  const decoded = Buffer.from(bytes).toString()
  return /^[\x20-\x7e]*$/.test(decoded) ? decoded || '-' : Buffer.from(bytes).toString('hex')
}

export function split(list: string | undefined): string[] {
  return list === undefined || list === '' ? [] : list.split(',')
}

export function milliseconds(duration: string): number {
  const [, amount = '0', unit = 'ms'] = /^(\d+)(ms|s|m|h|d)?$/.exec(duration) ?? []
  return Number(amount) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit]!
}

/** `range:topics=a+b` is a real subscription of the consumer protocol, `range:text` metadata that only the members understand. */
function protocolsOf(list: string): { name: string; metadata: Uint8Array }[] {
  return split(list).map((item) => {
    const [name = '', metadata = ''] = item.split(':')
    return { name, metadata: metadata.startsWith('topics=') ? subscription(metadata.slice(7).split('+')) : Buffer.from(metadata) }
  })
}

/** ConsumerProtocolSubscription v0. */
export function subscription(topics: readonly string[]): Uint8Array {
  const parts = [Buffer.from([0, 0, 0, 0, 0, topics.length])]
  for (const topic of topics) parts.push(Buffer.from([0, topic.length]), Buffer.from(topic))
  return Buffer.concat([...parts, Buffer.from([255, 255, 255, 255])])
}

function offsetValue(offset: number) {
  return { offset, leaderEpoch: -1, metadata: '', commitTimestamp: 0, expireTimestamp: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }
}

function formatJoin(answer: JoinGroupResponse): string {
  if (answer.errorCode !== 0) return `${nameOf(answer.errorCode)} member=${answer.memberId || '-'}`
  const members = answer.members.map(({ memberId, metadata }) => `${memberId}(${text(metadata)})`).join(' ')
  const skip = answer.skipAssignment ? ' skip-assignment' : ''
  return `joined generation=${answer.generationId} ${answer.protocolType}/${answer.protocolName} leader=${answer.leader} member=${answer.memberId}${skip}${members && ` members: ${members}`}`
}

function formatSync(answer: SyncGroupResponse): string {
  if (answer.errorCode !== 0) return nameOf(answer.errorCode)
  return `synced ${answer.protocolType}/${answer.protocolName} assignment=${text(answer.assignment)}`
}

function formatTopicErrors(topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[]): string {
  return topics
    .flatMap(({ name, partitions }) => partitions.map((one) => `${name}-${one.partitionIndex}=${nameOf(one.errorCode)}`))
    .join(' ')
}

export function formatRecord(record: GroupRecord | undefined): string {
  if (!record) return 'unknown record'
  switch (record.type) {
    case 'group': {
      if (record.value === null) return `group ${record.groupId} deleted`
      const { generation, protocolType, protocol, leader, members } = record.value
      const list = members.map(({ memberId, assignment }) => `${memberId}(${text(assignment)})`).join(' ')
      return `group ${record.groupId} generation=${generation} type=${protocolType || '-'} protocol=${protocol} leader=${leader} members=[${list}]`
    }
    case 'offset': {
      const place = `offset ${record.groupId} ${record.topic}-${record.partition}`
      if (record.value === null) return `${place} deleted`
      const { offset, metadata, expireTimestamp } = record.value
      return `${place} ${offset}${metadata && ` (${metadata.length > 20 ? metadata.length : metadata})`}${expireTimestamp < 0 ? '' : ' expires'}`
    }
    case 'consumer':
      return formatConsumerRecord(record)
    case 'other':
      return `${record.kind} group ${record.groupId}, key ${Buffer.from(record.key).readInt16BE(0)}${record.deleted ? ' deleted' : ''}`
  }
}
