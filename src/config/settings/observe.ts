/** Quotas and metrics. */
import { ignored, int, list, long, LONG_MAX, string } from '../setting.js'

const METRICS = 'Metrics of Apache Kafka.'
const QUOTA = 'Sampling of quotas.'

export const quotaSettings = ignored({
  'alter.log.dirs.replication.quota.window.num': int(11, QUOTA, { min: 1 }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, QUOTA, { min: 1 }),
  'controller.quota.window.num': int(11, QUOTA, { min: 1 }),
  'controller.quota.window.size.seconds': int(1, QUOTA, { min: 1 }),
  'quota.window.num': int(11, QUOTA, { min: 1 }),
  'quota.window.size.seconds': int(1, QUOTA, { min: 1 }),
  'replication.quota.window.num': int(11, QUOTA, { min: 1 }),
  'replication.quota.window.size.seconds': int(1, QUOTA, { min: 1 }),
  'follower.replication.throttled.rate': long(LONG_MAX, 'Bytes a second that throttled followers fetch.', {
    change: 'per-broker',
    min: 0,
    internal: true
  }),
  'leader.replication.throttled.rate': long(LONG_MAX, 'Bytes a second that throttled leaders send to followers.', {
    change: 'per-broker',
    min: 0,
    internal: true
  })
})

export const metricsSettings = ignored({
  'kafka.metrics.polling.interval.secs': int(10, METRICS, { min: 1 }),
  'kafka.metrics.reporters': list('', METRICS),
  'metric.reporters': list('org.apache.kafka.common.metrics.JmxReporter', METRICS, { change: 'cluster-wide' }),
  'metrics.num.samples': int(2, METRICS, { min: 1 }),
  'metrics.recording.level': string('INFO', METRICS),
  'metrics.sample.window.ms': long(30000, METRICS, { min: 1 }),
  'telemetry.max.bytes': int(1048576, METRICS, { min: 1 })
})
