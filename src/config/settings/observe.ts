/** Quotas and metrics. */
import { ignored, int, list, long, LONG_MAX, string } from '../setting.js'

const METRICS = 'Metrics of Apache Kafka.'
const QUOTA = 'Sampling of quotas between replicas.'

const clientQuotaSettings = {
  'controller.quota.window.num': int(11, 'Windows over which changes of the cluster are counted for controller_mutation_rate.', { min: 1 }),
  'controller.quota.window.size.seconds': int(1, 'Length of such a window.', { min: 1 }),
  'quota.window.num': int(11, 'Windows over which the use of a client is measured for its quotas.', { min: 1 }),
  'quota.window.size.seconds': int(1, 'Length of such a window.', { min: 1 })
}

const replicationQuotaSettings = ignored({
  'alter.log.dirs.replication.quota.window.num': int(11, QUOTA, { min: 1 }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, QUOTA, { min: 1 }),
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

export const quotaSettings = { ...clientQuotaSettings, ...replicationQuotaSettings }

const telemetrySettings = {
  'telemetry.max.bytes': int(1048576, 'The largest push of client metrics that is taken in (KIP-714), in bytes as it comes.', { min: 1 })
}

const ignoredMetricsSettings = ignored({
  'kafka.metrics.polling.interval.secs': int(10, METRICS, { min: 1 }),
  'kafka.metrics.reporters': list('', METRICS),
  'metric.reporters': list('org.apache.kafka.common.metrics.JmxReporter', METRICS, { change: 'cluster-wide' }),
  'metrics.num.samples': int(2, METRICS, { min: 1 }),
  'metrics.recording.level': string('INFO', METRICS),
  'metrics.sample.window.ms': long(30000, METRICS, { min: 1 })
})

export const metricsSettings = { ...ignoredMetricsSettings, ...telemetrySettings }
