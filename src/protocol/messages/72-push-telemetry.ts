/**
 * PushTelemetry (API 72): A client sends the metrics that were asked for (KIP-714).
 */
import { api } from '../api.js'
import { bool, bytes, int16, int32, int8, message, uuid } from '../schema.js'

export const pushTelemetry = api({
  key: 72,
  name: 'PushTelemetry',
  stable: [0, 0],
  request: message({
    name: 'PushTelemetryRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      clientInstanceId: uuid(),
      subscriptionId: int32(),
      terminating: bool(),
      compressionType: int8(),
      metrics: bytes()
    }
  }),
  response: message({
    name: 'PushTelemetryResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16()
    }
  })
})
