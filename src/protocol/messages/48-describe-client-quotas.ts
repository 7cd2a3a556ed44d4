/**
 * DescribeClientQuotas (API 48): Lists client quotas that match a filter (KIP-546).
 *
 * Version notes (+ field added, - field removed):
 * v1: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, bool, float64, int16, int32, int8, message, string, struct } from '../schema.js'

export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  stable: [0, 1],
  request: message({
    name: 'DescribeClientQuotasRequest',
    versions: [0, 1],
    flexible: 1,
    fields: {
      components: array(
        struct({
          entityType: string(),
          matchType: int8(),
          match: string({ nullable: 0 })
        })
      ),
      strict: bool()
    }
  }),
  response: message({
    name: 'DescribeClientQuotasResponse',
    versions: [0, 1],
    flexible: 1,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      entries: array(
        struct({
          entity: array(
            struct({
              entityType: string(),
              entityName: string({ nullable: 0 })
            })
          ),
          values: array(
            struct({
              key: string(),
              value: float64()
            })
          )
        }),
        { nullable: 0 }
      )
    }
  })
})
