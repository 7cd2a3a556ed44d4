/**
 * ConsumerGroupHeartbeat: the one request of members of the consumer protocol (KIP-848).
 *
 * Version notes: v1 subscription by a regular expression; the member makes its own id (KIP-1082).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { consumerGroupHeartbeat } from '../protocol/messages/68-consumer-group-heartbeat.js'
import { hasConsumerProtocol } from './group-operations.js'
import { handler } from './handler.js'

const NOTHING = { memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null }

export const consumerGroupHeartbeatHandler = handler({
  api: consumerGroupHeartbeat,
  minVersion: 0,
  maxVersion: 1,
  keepsFrame: true,
  handle(request, context, broker) {
    if (!hasConsumerProtocol(broker)) return { errorCode: ErrorCode.UNSUPPORTED_VERSION, ...NOTHING }
    return broker.groups.consumerGroupHeartbeat(request, context)
  },
  failed: (_request, errorCode) => ({ errorCode, ...NOTHING })
})
