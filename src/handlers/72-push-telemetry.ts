/**
 * PushTelemetry: takes in the metrics of a client (KIP-714).
 *
 * Version notes: v0 only.
 */
import { pushTelemetry } from '../protocol/messages/72-push-telemetry.js'
import { handler } from './handler.js'

export const pushTelemetryHandler = handler({
  api: pushTelemetry,
  minVersion: 0,
  maxVersion: 0,
  async handle(request, context, { clientMetrics }) {
    const { buffer, byteOffset, length } = request.metrics
    return { errorCode: await clientMetrics.push(context, { ...request, metrics: Buffer.from(buffer, byteOffset, length) }) }
  }
})
