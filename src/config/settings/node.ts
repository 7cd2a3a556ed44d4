/** The node in its cluster: id, roles, controller, metadata log, defaults of new topics. */
import { boolean, ignored, int, list, long, LONG_MAX, string } from '../setting.js'

const QUORUM = 'Controller quorum of several nodes.'

export const nodeSettings = {
  'auto.create.topics.enable': boolean(true, 'A topic that a client asks for by name and that does not exist is created.'),
  'broker.heartbeat.interval.ms': int(2000, 'The time between heartbeats of the broker to the controller.', { ignored: true }),
  'broker.id': int(-1, 'The older name of node.id. Both may be set, to the same value.'),
  'broker.rack': string(null, 'The rack of this broker, told to clients in Metadata.'),
  'broker.session.timeout.ms': int(9000, 'A broker without heartbeats for so long is fenced.', { ignored: true }),
  'controlled.shutdown.enable': boolean(true, 'Hand over leadership before stopping.', { ignored: true }),
  'controller.listener.names': list(
    'CONTROLLER',
    'Listeners of the controller. They are accepted and not opened: the controller runs inside this process.'
  ),
  'controller.quorum.bootstrap.servers': list('', 'The controllers as host:port. Only one is accepted, and taken to be this node.'),
  'controller.quorum.voters': list('', 'The controllers as id@host:port. Only this node itself is accepted.'),
  'default.replication.factor': int(1, 'Replication factor of a topic that is created without one.'),
  'delete.topic.enable': boolean(true, 'Whether topics may be deleted.'),
  'initial.broker.registration.timeout.ms': int(60000, 'How long registering with the controller may take.', { ignored: true }),
  'internal.metadata.delete.delay.millis': long(60000, 'How long deleted metadata segments and snapshots keep their files.', {
    internal: true,
    ignored: true
  }),
  'internal.metadata.log.segment.bytes': int(null, 'As metadata.log.segment.bytes, without its lower bound: for tests.', {
    internal: true
  }),
  'internal.metadata.max.batch.size.in.bytes': int(8388608, 'The largest batch of the metadata log.', { internal: true }),
  'metadata.log.dir': string(null, 'The folder of the metadata log. Unset: the first of log.dirs.'),
  'metadata.log.max.record.bytes.between.snapshots': long(20971520, 'Bytes of the metadata log after which a snapshot is written.', {
    min: 1
  }),
  'metadata.log.max.snapshot.interval.ms': long(
    3600000,
    'The longest time between snapshots of the metadata while it changes; 0: no such limit.',
    { min: 0 }
  ),
  'metadata.log.segment.bytes': int(1073741824, 'Size at which the metadata log begins a new segment.', { min: 8388608 }),
  'metadata.log.segment.ms': long(604800000, 'Age at which the metadata log begins a new segment.'),
  'metadata.max.idle.interval.ms': int(500, 'How often an idle controller writes a no-op record in Apache Kafka.', {
    min: 0,
    ignored: true
  }),
  'metadata.max.retention.bytes': long(104857600, 'Bytes of metadata log and snapshots that are kept.', { ignored: true }),
  'metadata.max.retention.ms': long(604800000, 'How long metadata log and snapshots are kept.', { ignored: true }),
  'node.id': int(1, 'The id of this node in the cluster. Must match meta.properties of an existing data folder.', { min: 0 }),
  'num.partitions': int(1, 'Partitions of a topic that is created without a number.', { min: 1 }),
  'process.roles': list('broker,controller', 'broker,controller: broker and controller in this process. controller alone is refused.', {
    oneOf: ['broker', 'controller']
  }),
  'server.max.startup.time.ms': long(LONG_MAX, 'How long Apache Kafka waits for its parts to start.', {
    min: 0,
    internal: true,
    ignored: true
  }),
  'unstable.api.versions.enable': boolean(false, 'Also offers versions of APIs that Apache Kafka has not released.', {
    internal: true,
    ignored: true
  }),
  'unstable.feature.versions.enable': boolean(false, 'Also offers versions of features that Apache Kafka has not released.', {
    internal: true,
    ignored: true
  })
}

export const quorumSettings = ignored({
  'controller.performance.always.log.threshold.ms': long(2000, QUORUM, { min: 0, internal: true }),
  'controller.performance.sample.period.ms': long(60000, QUORUM, { min: 100, internal: true }),
  'controller.quorum.append.linger.ms': int(25, QUORUM, { min: 0 }),
  'controller.quorum.auto.join.enable': boolean(false, QUORUM),
  'controller.quorum.election.backoff.max.ms': int(1000, QUORUM, { min: 0 }),
  'controller.quorum.election.timeout.ms': int(1000, QUORUM, { min: 0 }),
  'controller.quorum.fetch.max.bytes': int(1048576, QUORUM, { min: 1 }),
  'controller.quorum.fetch.snapshot.max.bytes': int(1048576, QUORUM, { min: 1 }),
  'controller.quorum.fetch.timeout.ms': int(2000, QUORUM, { min: 0 }),
  'controller.quorum.request.timeout.ms': int(2000, QUORUM, { min: 0 }),
  'controller.quorum.retry.backoff.ms': int(20, QUORUM, { min: 0 }),
  'controller.socket.timeout.ms': int(30000, QUORUM)
})
