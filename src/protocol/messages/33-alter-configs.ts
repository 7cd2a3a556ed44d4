/**
 * AlterConfigs (API 33): Replaces all dynamic settings of a resource; IncrementalAlterConfigs is the better way.
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct } from '../schema.js'

export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  stable: [0, 2],
  request: message({
    name: 'AlterConfigsRequest',
    versions: [0, 2],
    flexible: 2,
    fields: {
      resources: array(
        struct({
          resourceType: int8(),
          resourceName: string(),
          configs: array(
            struct({
              name: string(),
              value: string({ nullable: 0 })
            })
          )
        })
      ),
      validateOnly: bool()
    }
  }),
  response: message({
    name: 'AlterConfigsResponse',
    versions: [0, 2],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      responses: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ nullable: 0 }),
          resourceType: int8(),
          resourceName: string()
        })
      )
    }
  })
})
