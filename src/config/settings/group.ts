/** Groups and committed offsets. */
import { int, list, long, short, string } from '../setting.js'

export const groupSettings = {
  'group.coordinator.append.linger.ms': int(
    -1,
    'How long the coordinator gathers records before it writes them; -1: until the current work is done.',
    { min: -1, ignored: true }
  ),
  'group.coordinator.background.threads': int(2, 'Background threads of the group coordinator in Apache Kafka.', { min: 1, ignored: true }),
  'group.coordinator.cached.buffer.max.bytes': int(1048588, 'The largest write buffer that the coordinator keeps.', {
    change: 'cluster-wide',
    min: 524288,
    ignored: true
  }),
  'group.coordinator.rebalance.protocols': list('classic,consumer,streams', 'Group protocols that are enabled.', {
    oneOf: ['classic', 'consumer', 'share', 'streams']
  }),
  'group.coordinator.threads': int(4, 'Threads of the group coordinator in Apache Kafka.', { min: 1, ignored: true }),
  'group.initial.rebalance.delay.ms': int(3000, 'How long an empty classic group waits for more members before its first rebalance.'),
  'group.max.session.timeout.ms': int(1800000, 'The longest session timeout that a member of a classic group may ask for.'),
  'group.max.size': int(2147483647, 'Members that a classic group may have.', { min: 1 }),
  'group.min.session.timeout.ms': int(6000, 'The shortest session timeout that a member of a classic group may ask for.'),
  'offset.metadata.max.bytes': int(4096, 'The longest text that may be committed with an offset.'),
  'offsets.commit.timeout.ms': int(5000, 'How long an offset commit waits for its write.', { min: 1, ignored: true }),
  'offsets.load.buffer.size': int(5242880, 'Bytes that are read at a time when a partition of __consumer_offsets is loaded.', { min: 1 }),
  'offsets.retention.check.interval.ms': long(600000, 'How often expired offsets are looked for.', { min: 1 }),
  'offsets.retention.minutes': int(
    10080,
    'Committed offsets are forgotten when the group has been empty, or the topic unsubscribed, for so long.',
    { min: 1 }
  ),
  'offsets.topic.compression.codec': int(0, 'Codec of the batches in __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.'),
  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets when it is created. Can not change later.', { min: 1 }),
  'offsets.topic.replication.factor': short(
    3,
    'Replication factor of __consumer_offsets when it is created; on one node it has one replica.',
    { min: 1 }
  ),
  'offsets.topic.segment.bytes': int(104857600, 'Segment size of __consumer_offsets.', { min: 1 })
}

export const consumerGroupSettings = {
  'group.consumer.assignment.interval.ms': int(
    1000,
    'The shortest time between two assignments of a consumer group: members that come meanwhile are assigned together.',
    { change: 'cluster-wide', min: 0 }
  ),
  'group.consumer.assignors': list(
    'uniform,range',
    'Assignors of consumer groups (uniform, range); the first is used where no member asks for one.'
  ),
  'group.consumer.heartbeat.interval.ms': int(5000, 'How often members of consumer groups are told to send heartbeats.', { min: 1 }),
  'group.consumer.max.assignment.interval.ms': int(15000, 'The longest consumer.assignment.interval.ms of a group.', { min: 0 }),
  'group.consumer.max.heartbeat.interval.ms': int(15000, 'The longest consumer.heartbeat.interval.ms of a group.', { min: 1 }),
  'group.consumer.max.session.timeout.ms': int(60000, 'The longest consumer.session.timeout.ms of a group.', { min: 1 }),
  'group.consumer.max.size': int(2147483647, 'Members that a consumer group may have.', { min: 1 }),
  'group.consumer.migration.policy': string(
    'bidirectional',
    'Whether classic groups become consumer groups (upgrade) and back (downgrade) when members of the other protocol join or the last leave.',
    {
      oneOf: ['BIDIRECTIONAL', 'DISABLED', 'DOWNGRADE', 'UPGRADE'],
      ignoreCase: true
    }
  ),
  'group.consumer.min.assignment.interval.ms': int(0, 'The shortest consumer.assignment.interval.ms of a group.', { min: 0 }),
  'group.consumer.min.heartbeat.interval.ms': int(5000, 'The shortest consumer.heartbeat.interval.ms of a group.', { min: 1 }),
  'group.consumer.min.session.timeout.ms': int(45000, 'The shortest consumer.session.timeout.ms of a group.', { min: 1 }),
  'group.consumer.regex.refresh.interval.ms': int(600000, 'How often the topics of regular expressions are looked up anew.', {
    min: 10000,
    internal: true
  }),
  'group.consumer.session.timeout.ms': int(45000, 'A member of a consumer group that is silent for so long is removed.', { min: 1 })
}
