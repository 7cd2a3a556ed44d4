/**
 * IncrementalAlterConfigs (API 44): Sets, deletes, appends to or subtracts from single dynamic settings (KIP-339).
 *
 * Version notes (+ field added, - field removed):
 * v1: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct } from '../schema.js'

export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  stable: [0, 1],
  request: message({
    name: 'IncrementalAlterConfigsRequest',
    versions: [0, 1],
    flexible: 1,
    fields: {
      resources: array(
        struct({
          resourceType: int8(),
          resourceName: string(),
          configs: array(
            struct({
              name: string(),
              configOperation: int8(),
              value: string({ nullable: 0 })
            })
          )
        })
      ),
      validateOnly: bool()
    }
  }),
  response: message({
    name: 'IncrementalAlterConfigsResponse',
    versions: [0, 1],
    flexible: 1,
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
