/**
 * FindCoordinator (API 10): Tells which broker coordinates a group, a transactional id or the state of a share group.
 *
 * Version notes (+ field added, - field removed):
 * v1: coordinators of transactions (KIP-98); request + keyType; response + throttleTimeMs, errorMessage
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: flexible (KIP-482)
 * v4: several keys at once (KIP-699); request + coordinatorKeys; request - key; response + coordinators; response - errorCode,
 *   errorMessage, nodeId, host, port
 * v5: may answer TRANSACTION_ABORTABLE (KIP-890)
 * v6: coordinators of share groups (KIP-932)
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  stable: [0, 6],
  request: message({
    name: 'FindCoordinatorRequest',
    versions: [0, 6],
    flexible: 3,
    fields: {
      key: string({ until: 3 }),
      keyType: int8({ since: 1, absent: 0 }),
      coordinatorKeys: array(string(), { since: 4 })
    }
  }),
  response: message({
    name: 'FindCoordinatorResponse',
    versions: [0, 6],
    flexible: 3,
    fields: {
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      errorCode: int16({ until: 3 }),
      errorMessage: string({ since: 1, until: 3, nullable: 1, ignorable: true }),
      nodeId: int32({ until: 3 }),
      host: string({ until: 3 }),
      port: int32({ until: 3 }),
      coordinators: array(
        struct({
          key: string(),
          nodeId: int32(),
          host: string(),
          port: int32(),
          errorCode: int16(),
          errorMessage: string({ nullable: 4 })
        }),
        { since: 4 }
      )
    }
  })
})
