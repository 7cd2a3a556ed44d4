/** What a topic may override. The synonyms say which broker settings stand in for a missing value. */
import { boolean, double, int, list, long, LONG_MAX, string } from '../setting.js'

const MINUTE = 60_000
const HOUR = 3_600_000
const THROTTLED_REPLICA = { pattern: /^(?:\d+:\d+|\*)$/, shown: 'partition:broker, or *' } as const

export const topicSettings = {
  'cleanup.policy': list('delete', 'delete: retention deletes old segments. compact: the newest record of each key is kept.', {
    change: 'topic',
    oneOf: ['compact', 'delete'],
    synonyms: [{ name: 'log.cleanup.policy', factor: 1 }]
  }),
  'compression.gzip.level': int(-1, 'Level where the broker compresses with gzip; -1: the default of the codec.', {
    change: 'topic',
    min: 1,
    max: 9,
    also: -1,
    synonyms: [{ name: 'compression.gzip.level', factor: 1 }]
  }),
  'compression.lz4.level': int(9, 'Level where the broker compresses with lz4. The codec here has one level.', {
    change: 'topic',
    min: 1,
    max: 17,
    synonyms: [{ name: 'compression.lz4.level', factor: 1 }],
    ignored: true
  }),
  'compression.type': string('producer', 'producer: batches are stored as they came. Else the codec that they are stored with.', {
    change: 'topic',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    synonyms: [{ name: 'compression.type', factor: 1 }]
  }),
  'compression.zstd.level': int(3, 'Level where the broker compresses with zstd.', {
    change: 'topic',
    min: -131072,
    max: 22,
    synonyms: [{ name: 'compression.zstd.level', factor: 1 }]
  }),
  'delete.retention.ms': long(86400000, 'How long a tombstone stays after compaction.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'log.cleaner.delete.retention.ms', factor: 1 }]
  }),
  'file.delete.delay.ms': long(60000, 'How long a deleted segment keeps its files.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'log.segment.delete.delay.ms', factor: 1 }]
  }),
  'flush.messages': long(LONG_MAX, 'Records after which the partition is flushed to the disk.', {
    change: 'topic',
    min: 1,
    synonyms: [{ name: 'log.flush.interval.messages', factor: 1 }]
  }),
  'flush.ms': long(LONG_MAX, 'The longest time that a record waits to be flushed.', {
    change: 'topic',
    min: 0,
    synonyms: [
      { name: 'log.flush.interval.ms', factor: 1 },
      { name: 'log.flush.scheduler.interval.ms', factor: 1 }
    ]
  }),
  'follower.replication.throttled.replicas': list('', 'Replicas whose follower side is throttled, as partition:broker; * is all.', {
    items: THROTTLED_REPLICA,
    ignored: true,
    change: 'topic'
  }),
  'index.interval.bytes': int(4096, 'Bytes of records between two index entries.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'log.index.interval.bytes', factor: 1 }]
  }),
  'internal.segment.bytes': int(null, 'As segment.bytes, without its lower bound: for tests.', { change: 'topic', internal: true }),
  'leader.replication.throttled.replicas': list('', 'Replicas whose leader side is throttled, as partition:broker; * is all.', {
    items: THROTTLED_REPLICA,
    ignored: true,
    change: 'topic'
  }),
  'local.retention.bytes': long(-2, 'Bytes kept on local disk with tiered storage; -2: as retention.bytes.', {
    ignored: true,
    change: 'topic',
    min: -2,
    synonyms: [{ name: 'log.local.retention.bytes', factor: 1 }]
  }),
  'local.retention.ms': long(-2, 'Time kept on local disk with tiered storage; -2: as retention.ms.', {
    ignored: true,
    change: 'topic',
    min: -2,
    synonyms: [{ name: 'log.local.retention.ms', factor: 1 }]
  }),
  'max.compaction.lag.ms': long(LONG_MAX, 'A record is compacted at the latest when it is this old.', {
    change: 'topic',
    min: 1,
    synonyms: [{ name: 'log.cleaner.max.compaction.lag.ms', factor: 1 }]
  }),
  'max.message.bytes': int(1048588, 'The largest record batch, after compression.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'message.max.bytes', factor: 1 }]
  }),
  'message.timestamp.after.max.ms': long(3600000, 'A record whose timestamp is further in the future is refused.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'log.message.timestamp.after.max.ms', factor: 1 }]
  }),
  'message.timestamp.before.max.ms': long(LONG_MAX, 'A record whose timestamp is further in the past is refused.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'log.message.timestamp.before.max.ms', factor: 1 }]
  }),
  'message.timestamp.type': string(
    'CreateTime',
    'CreateTime: the timestamp that the producer gave. LogAppendTime: the time of the append.',
    { change: 'topic', oneOf: ['CreateTime', 'LogAppendTime'], synonyms: [{ name: 'log.message.timestamp.type', factor: 1 }] }
  ),
  'min.cleanable.dirty.ratio': double(0.5, 'Share of uncleaned bytes from which the log is compacted; NaN: never for that.', {
    change: 'topic',
    min: 0,
    max: 1,
    also: NaN,
    synonyms: [{ name: 'log.cleaner.min.cleanable.ratio', factor: 1 }]
  }),
  'min.compaction.lag.ms': long(0, 'A record is not compacted before it is this old.', {
    change: 'topic',
    min: 0,
    synonyms: [{ name: 'log.cleaner.min.compaction.lag.ms', factor: 1 }]
  }),
  'min.insync.replicas': int(
    1,
    'With acks=all, replicas that must hold a record before it is acknowledged. Capped by the number of replicas.',
    { change: 'topic', min: 1, synonyms: [{ name: 'min.insync.replicas', factor: 1 }] }
  ),
  preallocate: boolean(false, 'Reserve the full size of a new segment on the disk; its file grows as ever.', {
    change: 'topic',
    synonyms: [{ name: 'log.preallocate', factor: 1 }]
  }),
  'remote.log.copy.disable': boolean(false, 'Stops copying to tiered storage.', { ignored: true, change: 'topic' }),
  'remote.log.delete.on.disable': boolean(false, 'Deletes what tiered storage holds when it is switched off.', {
    ignored: true,
    change: 'topic'
  }),
  'remote.storage.enable': boolean(false, 'Tiered storage for this topic.', {
    refused: 'tiered storage is not implemented yet',
    change: 'topic'
  }),
  'retention.bytes': long(-1, 'The oldest segments of a partition are deleted while it is larger; -1: no limit.', {
    change: 'topic',
    synonyms: [{ name: 'log.retention.bytes', factor: 1 }]
  }),
  'retention.ms': long(604800000, 'Segments whose newest record is older are deleted; -1: never.', {
    change: 'topic',
    min: -1,
    synonyms: [
      { name: 'log.retention.ms', factor: 1 },
      { name: 'log.retention.minutes', factor: MINUTE },
      { name: 'log.retention.hours', factor: HOUR }
    ]
  }),
  'segment.bytes': int(1073741824, 'A segment is closed and a new one begun at this size.', {
    change: 'topic',
    min: 1048576,
    synonyms: [{ name: 'log.segment.bytes', factor: 1 }]
  }),
  'segment.index.bytes': int(10485760, 'Capacity of the offset index and of the time index of a segment.', {
    change: 'topic',
    min: 4,
    synonyms: [{ name: 'log.index.size.max.bytes', factor: 1 }]
  }),
  'segment.jitter.ms': long(0, 'The most that is taken off segment.ms at random.', {
    change: 'topic',
    min: 0,
    synonyms: [
      { name: 'log.roll.jitter.ms', factor: 1 },
      { name: 'log.roll.jitter.hours', factor: HOUR }
    ]
  }),
  'segment.ms': long(604800000, 'A segment whose first record is older is closed at the next append.', {
    change: 'topic',
    min: 1,
    synonyms: [
      { name: 'log.roll.ms', factor: 1 },
      { name: 'log.roll.hours', factor: HOUR }
    ]
  }),
  'unclean.leader.election.enable': boolean(false, 'A replica that is not in sync may become leader, losing records.', {
    ignored: true,
    change: 'topic',
    synonyms: [{ name: 'unclean.leader.election.enable', factor: 1 }]
  })
}
