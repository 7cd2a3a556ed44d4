/**
 * Heartbeat: a member of a classic group is alive; it learns of a rebalance by the answer.
 *
 * Version notes: v1 throttle time. v3 static members (KIP-345). v4 flexible.
 */
import { heartbeat } from '../protocol/messages/12-heartbeat.js'
import { handler } from './handler.js'

export const heartbeatHandler = handler({
  api: heartbeat,
  minVersion: 0,
  maxVersion: 4,
  keepsFrame: true,
  handle: (request, _context, broker) => broker.groups.heartbeat(request)
})
