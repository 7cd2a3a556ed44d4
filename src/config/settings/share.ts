/** Share groups and streams groups: not implemented yet, known so that files of Apache Kafka are understood. */
import { ignored, int, list, short, string } from '../setting.js'

const SHARE = 'Share groups.'
const STREAMS = 'Streams groups.'

export const shareSettings = ignored({
  'group.share.assignment.interval.ms': int(1000, SHARE, { change: 'cluster-wide', min: 0 }),
  'group.share.assignors': list('simple', SHARE),
  'group.share.delivery.count.limit': int(5, SHARE, { min: 2, max: 10 }),
  'group.share.heartbeat.interval.ms': int(5000, SHARE, { min: 1 }),
  'group.share.initialize.retry.interval.ms': int(30000, SHARE, { min: 1, internal: true }),
  'group.share.max.assignment.interval.ms': int(15000, SHARE, { min: 0 }),
  'group.share.max.delivery.count.limit': int(10, SHARE, { min: 5, max: 25 }),
  'group.share.max.heartbeat.interval.ms': int(15000, SHARE, { min: 1 }),
  'group.share.max.partition.max.record.locks': int(4000, SHARE, { min: 2000, max: 10000 }),
  'group.share.max.record.lock.duration.ms': int(60000, SHARE, { min: 30000, max: 3600000 }),
  'group.share.max.session.timeout.ms': int(60000, SHARE, { min: 1 }),
  'group.share.max.share.sessions': int(2000, SHARE, { min: 1 }),
  'group.share.max.size': int(200, SHARE, { min: 1, max: 1000 }),
  'group.share.min.assignment.interval.ms': int(0, SHARE, { min: 0 }),
  'group.share.min.delivery.count.limit': int(2, SHARE, { min: 2, max: 5 }),
  'group.share.min.heartbeat.interval.ms': int(5000, SHARE, { min: 1 }),
  'group.share.min.partition.max.record.locks': int(100, SHARE, { min: 100, max: 2000 }),
  'group.share.min.record.lock.duration.ms': int(15000, SHARE, { min: 1000, max: 30000 }),
  'group.share.min.session.timeout.ms': int(45000, SHARE, { min: 1 }),
  'group.share.partition.max.record.locks': int(2000, SHARE, { min: 100, max: 10000 }),
  'group.share.persister.class.name': string('org.apache.kafka.server.share.persister.DefaultStatePersister', SHARE, { internal: true }),
  'group.share.record.lock.duration.ms': int(30000, SHARE, { min: 1000, max: 3600000 }),
  'group.share.session.timeout.ms': int(45000, SHARE, { min: 1 }),
  'share.coordinator.append.linger.ms': int(-1, SHARE, { min: -1 }),
  'share.coordinator.cached.buffer.max.bytes': int(1048588, SHARE, { change: 'cluster-wide', min: 524288 }),
  'share.coordinator.cold.partition.snapshot.interval.ms': int(300000, SHARE, { min: 1, internal: true }),
  'share.coordinator.load.buffer.size': int(5242880, SHARE, { min: 1 }),
  'share.coordinator.snapshot.update.records.per.snapshot': int(500, SHARE, { min: 0, max: 500 }),
  'share.coordinator.state.topic.compression.codec': int(0, SHARE),
  'share.coordinator.state.topic.min.isr': short(2, SHARE, { min: 1 }),
  'share.coordinator.state.topic.num.partitions': int(50, SHARE, { min: 1 }),
  'share.coordinator.state.topic.prune.interval.ms': int(300000, SHARE, { min: 1, internal: true }),
  'share.coordinator.state.topic.replication.factor': short(3, SHARE, { min: 1 }),
  'share.coordinator.state.topic.segment.bytes': int(104857600, SHARE, { min: 1 }),
  'share.coordinator.threads': int(1, SHARE, { min: 1 }),
  'share.coordinator.write.timeout.ms': int(5000, SHARE, { min: 1 }),
  'share.fetch.purgatory.purge.interval.requests': int(1000, SHARE)
})

export const streamsSettings = ignored({
  'group.streams.assignment.interval.ms': int(1000, STREAMS, { change: 'cluster-wide', min: 0 }),
  'group.streams.heartbeat.interval.ms': int(5000, STREAMS, { min: 1 }),
  'group.streams.initial.rebalance.delay.ms': int(3000, STREAMS, { min: 0 }),
  'group.streams.max.assignment.interval.ms': int(15000, STREAMS, { min: 0 }),
  'group.streams.max.heartbeat.interval.ms': int(15000, STREAMS, { min: 1 }),
  'group.streams.max.session.timeout.ms': int(60000, STREAMS, { min: 1 }),
  'group.streams.max.size': int(2147483647, STREAMS, { min: 1 }),
  'group.streams.max.standby.replicas': int(2, STREAMS, { min: 0 }),
  'group.streams.min.assignment.interval.ms': int(0, STREAMS, { min: 0 }),
  'group.streams.min.heartbeat.interval.ms': int(5000, STREAMS, { min: 1 }),
  'group.streams.min.session.timeout.ms': int(45000, STREAMS, { min: 1 }),
  'group.streams.num.standby.replicas': int(0, STREAMS, { min: 0 }),
  'group.streams.session.timeout.ms': int(45000, STREAMS, { min: 1 })
})
