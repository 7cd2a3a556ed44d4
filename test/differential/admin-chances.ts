/** Names, places and settings that administration requests give by chance. */
import type { AdminState } from './admin-side.js'
import type { Choice } from './rounds.js'

export type Ref<T = string> = (state: AdminState) => T

export const anyTopic = (choice: Choice): Ref =>
  choice.of<Ref>(
    ({ topic }) => topic,
    ({ topic }) => topic,
    ({ compacted }) => compacted,
    ({ round }) => `new-a-${round}`,
    () => 'no-such-topic',
    () => '__consumer_offsets',
    () => '__cluster_metadata',
    () => 'bad name',
    () => ''
  )
export const anyPartition = (choice: Choice): number => choice.of(0, 0, 1, 2, -1, 2_147_483_647)
export const anyTopicId = (choice: Choice): Ref =>
  choice.of<Ref>(
    ({ topicId }) => topicId,
    ({ spareId }) => spareId,
    () => 'AAAAAAAAAAAAAAAAAAAAAA',
    () => 'AAAAAAAAAAAAAAAAAAAAAQ'
  )
export const anyGroup = (choice: Choice): Ref =>
  choice.of<Ref>(
    ({ group }) => group,
    () => 'none',
    () => ''
  )
export const anyReplicas = (choice: Choice): number[] => choice.of([1], [1], [], [2], [1, 2], [2, 1], [1, 1], [-1])

/** What a list holds once, twice or not at all. */
export function some<T>(choice: Choice, one: () => T): T[] {
  return choice.of(
    () => [],
    () => [one()],
    () => [one()],
    () => [one()],
    () => [one(), one()],
    () => {
      const same = one()
      return [same, same]
    }
  )()
}

/** Evaluates what depends on the side. */
export const all =
  <T>(refs: readonly Ref<T>[]): Ref<T[]> =>
  (state) =>
    refs.map((ref) => ref(state))

export interface Pair {
  readonly name: string
  readonly value: string | null
}

const TOPIC_PAIRS: readonly Pair[] = [
  { name: 'retention.ms', value: '3000000' },
  { name: 'retention.ms', value: ' 4000000 ' },
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.ms', value: '-2' },
  { name: 'retention.ms', value: '1.5' },
  { name: 'retention.ms', value: '' },
  { name: 'retention.ms', value: null },
  { name: 'retention.bytes', value: '9223372036854775807' },
  { name: 'retention.bytes', value: '9223372036854775808' },
  { name: 'cleanup.policy', value: 'compact,delete' },
  { name: 'cleanup.policy', value: ' delete , compact' },
  { name: 'cleanup.policy', value: 'delete,delete' },
  { name: 'cleanup.policy', value: 'Compact' },
  { name: 'cleanup.policy', value: 'none' },
  { name: 'cleanup.policy', value: '' },
  { name: 'compression.type', value: 'zstd' },
  { name: 'compression.type', value: 'ZSTD' },
  { name: 'compression.gzip.level', value: '0' },
  { name: 'compression.zstd.level', value: '23' },
  { name: 'min.insync.replicas', value: '2' },
  { name: 'min.insync.replicas', value: '0' },
  { name: 'min.cleanable.dirty.ratio', value: '0.25' },
  { name: 'min.cleanable.dirty.ratio', value: '1.1' },
  { name: 'segment.bytes', value: '1048576' },
  { name: 'segment.bytes', value: '14' },
  { name: 'segment.ms', value: '0' },
  { name: 'preallocate', value: 'TRUE' },
  { name: 'preallocate', value: 'yes' },
  { name: 'message.timestamp.type', value: 'LogAppendTime' },
  { name: 'message.timestamp.type', value: 'logappendtime' },
  { name: 'message.timestamp.before.max.ms', value: '-1' },
  { name: 'message.format.version', value: '3.0-IV1' },
  { name: 'max.compaction.lag.ms', value: '5' },
  { name: 'min.compaction.lag.ms', value: '10' },
  { name: 'leader.replication.throttled.replicas', value: '0:1' },
  { name: 'leader.replication.throttled.replicas', value: '0:1,1:1' },
  { name: 'leader.replication.throttled.replicas', value: '*' },
  { name: 'leader.replication.throttled.replicas', value: 'x' },
  { name: 'leader.replication.throttled.replicas', value: '0:1,0:1' },
  { name: 'local.retention.ms', value: '9000000' },
  { name: 'local.retention.ms', value: '1000' },
  { name: 'local.retention.bytes', value: '5' },
  { name: 'remote.storage.enable', value: 'true' },
  { name: 'remote.log.copy.disable', value: 'true' },
  { name: 'flush.ms', value: '-1' },
  { name: 'index.interval.bytes', value: '-1' },
  { name: 'no.such.setting', value: '1' },
  { name: '', value: '1' },
  { name: 'max.message.bytes', value: '2147483648' }
]
const BROKER_PAIRS: readonly Pair[] = [
  { name: 'log.retention.ms', value: '3000000' },
  { name: 'log.retention.ms', value: '0' },
  { name: 'log.retention.hours', value: '3' },
  { name: 'log.cleaner.threads', value: '2' },
  { name: 'log.cleaner.threads', value: '5' },
  { name: 'log.cleaner.threads', value: '0' },
  { name: 'log.cleaner.dedupe.buffer.size', value: '1048576' },
  { name: 'num.io.threads', value: '9' },
  { name: 'num.io.threads', value: '100' },
  { name: 'num.network.threads', value: '2' },
  { name: 'num.network.threads', value: '1' },
  { name: 'num.replica.fetchers', value: '2' },
  { name: 'num.recovery.threads.per.data.dir', value: '3' },
  { name: 'background.threads', value: '4' },
  { name: 'max.connections', value: '500' },
  { name: 'max.connections', value: 'many' },
  { name: 'max.connections.per.ip', value: '5000' },
  { name: 'max.connections.per.ip.overrides', value: '127.0.0.1:5000' },
  { name: 'max.connections.per.ip.overrides', value: 'nonsense' },
  { name: 'max.connection.creation.rate', value: '5000' },
  { name: 'message.max.bytes', value: '2000000' },
  { name: 'message.max.bytes', value: '-1' },
  { name: 'compression.type', value: 'lz4' },
  { name: 'compression.type', value: 'none' },
  { name: 'min.insync.replicas', value: '1' },
  { name: 'unclean.leader.election.enable', value: 'true' },
  { name: 'log.roll.ms', value: '600000' },
  { name: 'log.segment.bytes', value: '2097152' },
  { name: 'log.cleanup.policy', value: 'compact' },
  { name: 'log.cleanup.policy', value: 'compact,compact' },
  { name: 'log.message.timestamp.type', value: 'LogAppendTime' },
  { name: 'log.message.timestamp.type', value: 'sometime' },
  { name: 'log.message.timestamp.after.max.ms', value: '1' },
  { name: 'leader.replication.throttled.rate', value: '1000' },
  { name: 'log.flush.interval.ms', value: '0' },
  { name: 'metric.reporters', value: 'no.such.Class' },
  { name: 'principal.builder.class', value: 'x' },
  { name: 'broker.id', value: '1' },
  { name: 'node.id', value: '1' },
  { name: 'log.dirs', value: '/tmp' },
  { name: 'auto.create.topics.enable', value: 'false' },
  { name: 'listeners', value: 'PLAINTEXT://:1' },
  { name: 'advertised.listeners', value: 'nonsense' },
  { name: 'ssl.keystore.location', value: '/nowhere' },
  { name: 'listener.name.plaintext.max.connections', value: '300' },
  { name: 'listener.name.plaintext.max.connections', value: 'x' },
  { name: 'listener.name.plaintext.max.connection.creation.rate', value: '300' },
  { name: 'listener.name.plaintext.max.connection.creation.rate', value: '0' },
  { name: 'listener.name.plaintext.num.network.threads', value: '2' },
  { name: 'listener.name.plaintext.num.network.threads', value: '4' },
  { name: 'listener.name.plaintext.num.network.threads', value: '0' },
  { name: 'listener.name.plaintext.num.network.threads', value: '100' },
  { name: 'listener.name.plaintext.connections.max.idle.ms', value: '100000' },
  { name: 'listener.name.plaintext.connections.max.reauth.ms', value: '1000' },
  { name: 'listener.name.plaintext.log.retention.ms', value: '1000' },
  { name: 'listener.name.plaintext.no.such', value: '1' },
  { name: 'listener.name.other.max.connections', value: '300' },
  { name: 'listener.name.plaintext.', value: '300' },
  { name: 'group.consumer.max.size', value: '5' },
  { name: 'group.coordinator.threads', value: '2' },
  { name: 'transaction.partition.verification.enable', value: 'false' },
  { name: 'producer.id.expiration.ms', value: '100000' },
  { name: 'remote.log.manager.copy.max.bytes.per.second', value: '1' },
  { name: 'remote.list.offsets.request.timeout.ms', value: '1000' },
  { name: 'cordoned.log.dirs', value: '*' },
  { name: 'no.such.setting', value: '1' },
  { name: '', value: '1' }
]
const GROUP_PAIRS: readonly Pair[] = [
  { name: 'consumer.session.timeout.ms', value: '50000' },
  { name: 'consumer.session.timeout.ms', value: '1' },
  { name: 'consumer.session.timeout.ms', value: '100000' },
  { name: 'consumer.heartbeat.interval.ms', value: '6000' },
  { name: 'consumer.heartbeat.interval.ms', value: '60000' },
  { name: 'consumer.heartbeat.interval.ms', value: 'x' },
  { name: 'consumer.assignment.interval.ms', value: '10' },
  { name: 'consumer.assignor.offload.enable', value: 'true' },
  { name: 'share.session.timeout.ms', value: '50000' },
  { name: 'share.auto.offset.reset', value: 'earliest' },
  { name: 'share.auto.offset.reset', value: 'by_duration:PT1H' },
  { name: 'share.auto.offset.reset', value: 'nonsense' },
  { name: 'share.isolation.level', value: 'read_committed' },
  { name: 'share.record.lock.duration.ms', value: '20000' },
  { name: 'share.record.lock.duration.ms', value: '1' },
  { name: 'share.delivery.count.limit', value: '4' },
  { name: 'share.delivery.count.limit', value: '1000' },
  { name: 'share.partition.max.record.locks', value: '500' },
  { name: 'share.renew.acknowledge.enable', value: 'false' },
  { name: 'streams.num.standby.replicas', value: '1' },
  { name: 'streams.num.standby.replicas', value: '9' },
  { name: 'streams.session.timeout.ms', value: '50000' },
  { name: 'streams.initial.rebalance.delay.ms', value: '5' },
  { name: 'no.such.setting', value: '1' }
]
const METRICS_PAIRS: readonly Pair[] = [
  { name: 'metrics', value: 'org.apache.kafka.' },
  { name: 'metrics', value: '*' },
  { name: 'metrics', value: '' },
  { name: 'interval.ms', value: '1000' },
  { name: 'interval.ms', value: '1' },
  { name: 'interval.ms', value: '3600001' },
  { name: 'interval.ms', value: 'x' },
  { name: 'match', value: 'client_id=a.*' },
  { name: 'match', value: 'client_software_version=(?i)v4.*' },
  { name: 'match', value: 'client_id=[' },
  { name: 'match', value: 'no_such=1' },
  { name: 'match', value: 'client_id' },
  { name: 'match', value: 'client_id=a,client_id=b' },
  { name: 'match', value: '' },
  { name: 'no.such.setting', value: '1' }
]
const LOGGER_PAIRS: readonly Pair[] = [
  { name: 'root', value: 'INFO' },
  { name: 'root', value: 'LOUD' },
  { name: 'root', value: 'info' },
  { name: 'no.such.logger', value: 'INFO' },
  { name: '', value: 'INFO' }
]

export const TOPIC = 2
const BROKER = 4
const LOGGER = 8
const METRICS = 16
const GROUP = 32

export interface Resource {
  readonly resourceType: number
  readonly name: Ref
  readonly pairs: readonly Pair[]
}

/** A resource, and what may be set there. */
export function anyResource(choice: Choice): Resource {
  const resourceType = choice.of(TOPIC, TOPIC, BROKER, BROKER, GROUP, METRICS, LOGGER, 0, 1, 3, 127)
  switch (resourceType) {
    case TOPIC:
      return { resourceType, name: anyTopic(choice), pairs: TOPIC_PAIRS }
    case BROKER:
    case LOGGER:
      return {
        resourceType,
        name: choice.of<Ref>(...['1', '1', '1', '', '2', '01', '-1', 'x', '99999999999'].map((name) => () => name)),
        pairs: resourceType === BROKER ? BROKER_PAIRS : LOGGER_PAIRS
      }
    case GROUP:
      return { resourceType, name: anyGroup(choice), pairs: GROUP_PAIRS }
    case METRICS:
      return {
        resourceType,
        name: choice.of<Ref>(
          ({ round }) => `metrics-${round}`,
          ({ round }) => `metrics-${round}`,
          () => 'no such',
          () => ''
        ),
        pairs: METRICS_PAIRS
      }
    default:
      return { resourceType, name: () => 'x', pairs: TOPIC_PAIRS }
  }
}

/** Settings of a topic, some wrong. */
export const topicPairs = (choice: Choice): Pair[] => some(choice, () => choice.of(...TOPIC_PAIRS))
