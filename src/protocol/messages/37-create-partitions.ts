/**
 * CreatePartitions (API 37): Adds partitions to topics (KIP-195).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 * v3: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599)
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct } from '../schema.js'

export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  stable: [0, 3],
  request: message({
    name: 'CreatePartitionsRequest',
    versions: [0, 3],
    flexible: 2,
    fields: {
      topics: array(
        struct({
          name: string(),
          count: int32(),
          assignments: array(
            struct({
              brokerIds: array(int32())
            }),
            { nullable: 0 }
          )
        })
      ),
      timeoutMs: int32(),
      validateOnly: bool()
    }
  }),
  response: message({
    name: 'CreatePartitionsResponse',
    versions: [0, 3],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      results: array(
        struct({
          name: string(),
          errorCode: int16(),
          errorMessage: string({ absent: null, nullable: 0 })
        })
      )
    }
  })
})
