/**
 * GetTelemetrySubscriptions (API 71): A client asks which of its metrics the broker wants (KIP-714).
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, uuid } from '../schema.js'

export const getTelemetrySubscriptions = api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  stable: [0, 0],
  request: message({
    name: 'GetTelemetrySubscriptionsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      clientInstanceId: uuid()
    }
  }),
  response: message({
    name: 'GetTelemetrySubscriptionsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      clientInstanceId: uuid(),
      subscriptionId: int32(),
      acceptedCompressionTypes: array(int8()),
      pushIntervalMs: int32(),
      telemetryMaxBytes: int32(),
      deltaTemporality: bool(),
      requestedMetrics: array(string())
    }
  })
})
