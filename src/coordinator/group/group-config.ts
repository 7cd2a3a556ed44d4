/** The settings that group state machines depend on; names of Apache Kafka in the comments. */
import type { BrokerConfig } from '../../config/broker-config.js'
import { ConfigError } from '../../errors.js'
import { isAssignor } from './consumer/assignors/assignor.js'

export interface GroupConfig {
  /** group.min.session.timeout.ms */
  readonly minSessionTimeoutMs: number
  /** group.max.session.timeout.ms */
  readonly maxSessionTimeoutMs: number
  /** group.max.size */
  readonly maxSize: number
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number
  /** offset.metadata.max.bytes. Counted in UTF-16 units, as Apache Kafka does. */
  readonly offsetMetadataMaxBytes: number
  /** offsets.retention.minutes, in milliseconds */
  readonly offsetsRetentionMs: number
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number
  /** A group whose record would be larger cannot become stable: what the coordinator's topic takes as one batch. */
  readonly maxRecordBytes: number
  /** Of the records of one commit, and of one record. */
  readonly maxCommitBytes: number
  /** offsets.topic.compression.codec: commits take less than they seem. */
  readonly compressesCommits: boolean
  readonly consumer: ConsumerGroupConfig
}

/** Of groups of the consumer protocol (KIP-848). What a group may set for itself is asked for by its id. */
export interface ConsumerGroupConfig {
  /** group.consumer.max.size */
  readonly maxSize: number
  /** group.consumer.assignors: the first is taken where no member asks for one. */
  readonly assignors: readonly string[]
  /** group.consumer.migration.policy */
  readonly mayUpgrade: boolean
  readonly mayDowngrade: boolean
  /** group.consumer.regex.refresh.interval.ms */
  readonly regexRefreshIntervalMs: number
  /** consumer.session.timeout.ms of the group, or group.consumer.session.timeout.ms */
  readonly sessionTimeoutMs: (groupId: string) => number
  /** consumer.heartbeat.interval.ms of the group, or group.consumer.heartbeat.interval.ms */
  readonly heartbeatIntervalMs: (groupId: string) => number
  /** consumer.assignment.interval.ms of the group, or group.consumer.assignment.interval.ms */
  readonly assignmentIntervalMs: (groupId: string) => number
}

export const DEFAULT_GROUP_CONFIG: GroupConfig = {
  minSessionTimeoutMs: 6000,
  maxSessionTimeoutMs: 1_800_000,
  maxSize: 0x7fffffff,
  initialRebalanceDelayMs: 3000,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  maxRecordBytes: 1_000_000,
  maxCommitBytes: 1_048_588,
  compressesCommits: false,
  consumer: {
    maxSize: 0x7fffffff,
    assignors: ['uniform', 'range'],
    mayUpgrade: true,
    mayDowngrade: true,
    regexRefreshIntervalMs: 600_000,
    sessionTimeoutMs: () => 45_000,
    heartbeatIntervalMs: () => 5000,
    assignmentIntervalMs: () => 1000
  }
}

/** Held to what the coordinator's topic takes as one batch (`max.message.bytes`), which may change. */
export function heldToBatches(config: GroupConfig, maxBatchBytes: () => number): GroupConfig {
  return {
    ...config,
    // Some room for the key and the batch around it.
    get maxRecordBytes() {
      return Math.min(config.maxRecordBytes, Math.floor(maxBatchBytes() * 0.95))
    },
    get maxCommitBytes() {
      return Math.min(config.maxCommitBytes, maxBatchBytes())
    }
  }
}

/** What was set for one group. */
export type GroupOverrides = (groupId: string) => ReadonlyMap<string, string>

/** Of the broker's settings. Only what is asked for by group id may change while it runs. */
export function groupConfigOf(config: BrokerConfig, overrides: GroupOverrides): GroupConfig {
  return {
    minSessionTimeoutMs: config.get('group.min.session.timeout.ms'),
    maxSessionTimeoutMs: config.get('group.max.session.timeout.ms'),
    maxSize: config.get('group.max.size'),
    initialRebalanceDelayMs: config.get('group.initial.rebalance.delay.ms'),
    offsetMetadataMaxBytes: config.get('offset.metadata.max.bytes'),
    offsetsRetentionMs: config.get('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: config.get('offsets.retention.check.interval.ms'),
    // The topic alone says how much: heldToBatches.
    maxRecordBytes: Number.POSITIVE_INFINITY,
    maxCommitBytes: Number.POSITIVE_INFINITY,
    compressesCommits: config.get('offsets.topic.compression.codec') !== 0,
    consumer: consumerConfigOf(config, overrides)
  }
}

function consumerConfigOf(config: BrokerConfig, overrides: GroupOverrides): ConsumerGroupConfig {
  const policy = config.get('group.consumer.migration.policy').toLowerCase()
  /** The bounds may have been narrowed after the group's value was set. */
  const ofGroup = (groupId: string, name: ByGroup): number => {
    const own = overrides(groupId).get(`consumer.${name}`)
    const value = own === undefined ? config.get(`group.consumer.${name}`) : Number(own)
    return Math.min(Math.max(value, config.get(`group.consumer.min.${name}`)), config.get(`group.consumer.max.${name}`))
  }
  const assignors = config.get('group.consumer.assignors')
  const foreign = assignors.find((name) => !isAssignor(name))
  if (foreign !== undefined) throw new ConfigError('group.consumer.assignors', `${foreign} is none of the assignors uniform and range`)
  return {
    maxSize: config.get('group.consumer.max.size'),
    assignors,
    mayUpgrade: policy === 'bidirectional' || policy === 'upgrade',
    mayDowngrade: policy === 'bidirectional' || policy === 'downgrade',
    regexRefreshIntervalMs: config.get('group.consumer.regex.refresh.interval.ms'),
    sessionTimeoutMs: (groupId) => ofGroup(groupId, 'session.timeout.ms'),
    heartbeatIntervalMs: (groupId) => ofGroup(groupId, 'heartbeat.interval.ms'),
    assignmentIntervalMs: (groupId) => ofGroup(groupId, 'assignment.interval.ms')
  }
}

type ByGroup = 'session.timeout.ms' | 'heartbeat.interval.ms' | 'assignment.interval.ms'
