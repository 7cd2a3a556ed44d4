/** Logs on disk: segments, retention, indexes, flushing, compression, recovery. */
import { boolean, double, int, list, long, LONG_MAX, string } from '../setting.js'

export const logSettings = {
  'compression.gzip.level': int(-1, 'Level where the broker compresses with gzip; -1: the default of the codec.', {
    change: 'cluster-wide',
    min: 1,
    max: 9,
    also: -1
  }),
  'compression.lz4.level': int(9, 'Level where the broker compresses with lz4. The codec here has one level.', {
    change: 'cluster-wide',
    min: 1,
    max: 17,
    ignored: true
  }),
  'compression.type': string('producer', 'producer: batches are stored as they came. Else the codec that they are stored with.', {
    change: 'cluster-wide',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer']
  }),
  'compression.zstd.level': int(3, 'Level where the broker compresses with zstd.', {
    change: 'cluster-wide',
    min: -131072,
    max: 22
  }),
  'cordoned.log.dirs': list('', 'Folders of the logs that get no new partitions; *: all of them.', { change: 'per-broker' }),
  'log.cleanup.policy': list('delete', 'delete: retention deletes old segments. compact: the newest record of each key is kept.', {
    change: 'cluster-wide',
    oneOf: ['compact', 'delete']
  }),
  'log.dir': list('/tmp/kafka-logs', 'The folder of the logs, unless log.dirs is set. The command line uses ./data.'),
  'log.dir.failure.timeout.ms': long(30000, 'A broker that can not tell the controller of a failed folder for so long stops.', {
    min: 1,
    ignored: true
  }),
  'log.dirs': list(null, 'The folders of the logs, parted by commas.'),
  'log.flush.interval.messages': long(LONG_MAX, 'Records of a partition after which it is flushed to the disk.', {
    change: 'cluster-wide',
    min: 1
  }),
  'log.flush.interval.ms': long(null, 'The longest time that a record waits to be flushed. Unset: log.flush.scheduler.interval.ms.', {
    change: 'cluster-wide',
    group: ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms']
  }),
  'log.flush.offset.checkpoint.interval.ms': int(
    60000,
    'How often the recovery points are written: what lies before them need not be checked after a crash.',
    { min: 0 }
  ),
  'log.flush.scheduler.interval.ms': long(
    LONG_MAX,
    'How often partitions are looked at that are due to be flushed. Unset: often enough for flush.ms.'
  ),
  'log.flush.start.offset.checkpoint.interval.ms': int(60000, 'How often the log start offsets are written.', { min: 0 }),
  'log.index.interval.bytes': int(4096, 'Bytes of records between two index entries.', { change: 'cluster-wide', min: 0 }),
  'log.index.size.max.bytes': int(
    10485760,
    'Capacity of the offset index and of the time index of a segment. A full index rolls the segment.',
    { change: 'cluster-wide', min: 4 }
  ),
  'log.initial.task.delay.ms': long(30000, 'The time from the start to the first retention, flush and checkpoint.', {
    min: 0,
    internal: true
  }),
  'log.local.retention.bytes': long(-2, 'Bytes kept on local disk with tiered storage; -2: as log.retention.bytes.', {
    change: 'cluster-wide',
    min: -2,
    ignored: true
  }),
  'log.local.retention.ms': long(-2, 'Time kept on local disk with tiered storage; -2: as log.retention.ms.', {
    change: 'cluster-wide',
    min: -2,
    ignored: true
  }),
  'log.message.timestamp.after.max.ms': long(3600000, 'A record whose timestamp is further in the future is refused.', {
    change: 'cluster-wide',
    min: 0
  }),
  'log.message.timestamp.before.max.ms': long(LONG_MAX, 'A record whose timestamp is further in the past is refused.', {
    change: 'cluster-wide',
    min: 0
  }),
  'log.message.timestamp.type': string(
    'CreateTime',
    'CreateTime: the timestamp that the producer gave. LogAppendTime: the time of the append.',
    { change: 'cluster-wide', oneOf: ['CreateTime', 'LogAppendTime'] }
  ),
  'log.preallocate': boolean(false, 'Reserve the full size of a new segment on the disk; its file grows as ever.', {
    change: 'cluster-wide'
  }),
  'log.retention.bytes': long(-1, 'The oldest segments of a partition are deleted while it is larger; -1: no limit.', {
    change: 'cluster-wide'
  }),
  'log.retention.check.interval.ms': long(300000, 'How often retention is applied.', { min: 1 }),
  'log.retention.hours': int(168, 'As log.retention.ms, in hours.', {
    group: ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']
  }),
  'log.retention.minutes': int(null, 'As log.retention.ms, in minutes. Unset: log.retention.hours.', {
    group: ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']
  }),
  'log.retention.ms': long(null, 'Segments whose newest record is older are deleted; -1: never. Unset: log.retention.minutes.', {
    change: 'cluster-wide',
    group: ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']
  }),
  'log.roll.hours': int(168, 'As log.roll.ms, in hours.', { min: 1, group: ['log.roll.ms', 'log.roll.hours'] }),
  'log.roll.jitter.hours': int(0, 'As log.roll.jitter.ms, in hours.', { min: 0, group: ['log.roll.jitter.ms', 'log.roll.jitter.hours'] }),
  'log.roll.jitter.ms': long(
    null,
    'The most that is taken off log.roll.ms at random, so that segments do not roll all at once. Unset: log.roll.jitter.hours.',
    { change: 'cluster-wide', group: ['log.roll.jitter.ms', 'log.roll.jitter.hours'] }
  ),
  'log.roll.ms': long(null, 'A segment whose first record is older is closed at the next append. Unset: log.roll.hours.', {
    change: 'cluster-wide',
    group: ['log.roll.ms', 'log.roll.hours']
  }),
  'log.segment.bytes': int(1073741824, 'A segment is closed and a new one begun at this size. Smaller: finer retention, more files.', {
    change: 'cluster-wide',
    min: 1048576
  }),
  'log.segment.delete.delay.ms': long(60000, 'How long a deleted segment keeps its files.', { change: 'cluster-wide', min: 0 }),
  'message.max.bytes': int(1048588, 'The largest record batch, after compression.', { change: 'cluster-wide', min: 0 }),
  'num.recovery.threads.per.data.dir': int(2, 'Logs of one folder that are recovered at a time after a crash.', {
    change: 'cluster-wide',
    min: 1
  })
}

export const cleanerSettings = {
  'log.cleaner.backoff.ms': long(15000, 'Pause of the log cleaner when nothing is to be done.', { change: 'cluster-wide', min: 0 }),
  'log.cleaner.dedupe.buffer.size': long(134217728, 'Memory of the log cleaner for the keys it has seen.', { change: 'cluster-wide' }),
  'log.cleaner.delete.retention.ms': long(86400000, 'How long a tombstone stays after compaction.', { change: 'cluster-wide', min: 0 }),
  'log.cleaner.enable': boolean(true, 'Whether the log cleaner runs.'),
  'log.cleaner.io.buffer.load.factor': double(0.9, 'How full the key table of the log cleaner may get.', { change: 'cluster-wide' }),
  'log.cleaner.io.buffer.size': int(524288, 'Memory of the log cleaner for reading and writing.', { change: 'cluster-wide', min: 0 }),
  'log.cleaner.io.max.bytes.per.second': double('1.7976931348623157E308', 'Bytes a second that the log cleaner reads and writes.', {
    change: 'cluster-wide'
  }),
  'log.cleaner.max.compaction.lag.ms': long(LONG_MAX, 'A record is compacted at the latest when it is this old.', {
    change: 'cluster-wide',
    min: 1
  }),
  'log.cleaner.min.cleanable.ratio': double(0.5, 'Share of uncleaned bytes from which a log is compacted; NaN: never for that.', {
    change: 'cluster-wide',
    min: 0,
    max: 1,
    also: NaN
  }),
  'log.cleaner.min.compaction.lag.ms': long(0, 'A record is not compacted before it is this old.', { change: 'cluster-wide', min: 0 }),
  'log.cleaner.threads': int(1, 'Threads of the log cleaner.', { change: 'cluster-wide', min: 0 })
}
