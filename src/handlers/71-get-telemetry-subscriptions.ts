/**
 * GetTelemetrySubscriptions: tells a client which of its metrics to push, and how often (KIP-714).
 *
 * Version notes: v0 only. Apache Kafka advertises it only with a plug-in that takes the metrics; here the broker itself does.
 */
import { ACCEPTED_COMPRESSION } from '../broker/telemetry/client-metrics.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { getTelemetrySubscriptions } from '../protocol/messages/71-get-telemetry-subscriptions.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { handler } from './handler.js'

const NOTHING = {
  clientInstanceId: ZERO_UUID,
  subscriptionId: 0,
  acceptedCompressionTypes: [],
  pushIntervalMs: 0,
  telemetryMaxBytes: 0,
  deltaTemporality: false,
  requestedMetrics: []
}

export const getTelemetrySubscriptionsHandler = handler({
  api: getTelemetrySubscriptions,
  minVersion: 0,
  maxVersion: 0,
  handle({ clientInstanceId }, context, { clientMetrics, config }) {
    const granted = clientMetrics.subscriptionOf(context, clientInstanceId)
    if (typeof granted === 'number') return { ...NOTHING, errorCode: granted }
    return {
      errorCode: ErrorCode.NONE,
      clientInstanceId: granted.clientInstanceId,
      subscriptionId: granted.id,
      acceptedCompressionTypes: ACCEPTED_COMPRESSION,
      pushIntervalMs: granted.intervalMs,
      telemetryMaxBytes: config.get('telemetry.max.bytes'),
      deltaTemporality: true,
      requestedMetrics: granted.metrics
    }
  },
  failed: (_request, errorCode) => ({ ...NOTHING, errorCode })
})
