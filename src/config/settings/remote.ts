/** Tiered storage: not implemented yet. */
import { boolean, double, ignored, int, long, LONG_MAX, string } from '../setting.js'

const TIERED = 'Tiered storage.'

export const remoteSettings = ignored({
  'follower.fetch.last.tiered.offset.enable': boolean(false, TIERED, { change: 'cluster-wide' }),
  'remote.fetch.max.wait.ms': int(500, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.list.offsets.request.timeout.ms': long(30000, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.index.file.cache.total.size.bytes': long(1073741824, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.index.file.cache.ttl.ms': long(900000, TIERED, { min: -1, internal: true }),
  'remote.log.manager.copier.thread.pool.size': int(10, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.manager.copy.max.bytes.per.second': long(LONG_MAX, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.manager.copy.quota.window.num': int(11, TIERED, { min: 1 }),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, TIERED, { min: 1 }),
  'remote.log.manager.expiration.thread.pool.size': int(10, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.manager.fetch.max.bytes.per.second': long(LONG_MAX, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.manager.fetch.quota.window.num': int(11, TIERED, { min: 1 }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, TIERED, { min: 1 }),
  'remote.log.manager.follower.thread.pool.size': int(2, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.manager.task.interval.ms': long(30000, TIERED, { min: 1 }),
  'remote.log.manager.task.retry.backoff.max.ms': long(30000, TIERED, { min: 1, internal: true }),
  'remote.log.manager.task.retry.backoff.ms': long(500, TIERED, { min: 1, internal: true }),
  'remote.log.manager.task.retry.jitter': double(0.2, TIERED, { min: 0, max: 0.5, internal: true }),
  'remote.log.manager.thread.pool.size': int(2, TIERED, { min: 1 }),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, TIERED, { min: 0 }),
  'remote.log.metadata.manager.class.name': string(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    TIERED
  ),
  'remote.log.metadata.manager.class.path': string(null, TIERED),
  'remote.log.metadata.manager.impl.prefix': string('rlmm.config.', TIERED),
  'remote.log.metadata.manager.listener.name': string(null, TIERED),
  'remote.log.reader.max.pending.tasks': int(100, TIERED, { min: 1 }),
  'remote.log.reader.threads': int(10, TIERED, { change: 'cluster-wide', min: 1 }),
  'remote.log.storage.manager.class.name': string(null, TIERED),
  'remote.log.storage.manager.class.path': string(null, TIERED),
  'remote.log.storage.manager.impl.prefix': string('rsm.config.', TIERED),
  'remote.log.storage.system.enable': boolean(false, TIERED, { refused: 'tiered storage is not implemented yet' })
})
