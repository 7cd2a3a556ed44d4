/**
 * AlterClientQuotas (API 49): Sets and removes client quotas (KIP-546).
 *
 * Version notes (+ field added, - field removed):
 * v1: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, bool, float64, int16, int32, message, string, struct } from '../schema.js'

export const alterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  stable: [0, 1],
  request: message({
    name: 'AlterClientQuotasRequest',
    versions: [0, 1],
    flexible: 1,
    fields: {
      entries: array(
        struct({
          entity: array(
            struct({
              entityType: string(),
              entityName: string({ nullable: 0 })
            })
          ),
          ops: array(
            struct({
              key: string(),
              value: float64(),
              remove: bool()
            })
          )
        })
      ),
      validateOnly: bool()
    }
  }),
  response: message({
    name: 'AlterClientQuotasResponse',
    versions: [0, 1],
    flexible: 1,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      entries: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ nullable: 0 }),
          entity: array(
            struct({
              entityType: string(),
              entityName: string({ nullable: 0 })
            })
          )
        })
      )
    }
  })
})
