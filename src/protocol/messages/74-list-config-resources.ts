/**
 * ListConfigResources (API 74): Lists resources that have settings.
 *
 * Version notes (+ field added, - field removed):
 * v0: client metrics only (KIP-714)
 * v1: all types, filtered (KIP-1142); request + resourceTypes; response + configResources.resourceType
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const listConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  stable: [0, 1],
  request: message({
    name: 'ListConfigResourcesRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      resourceTypes: array(int8(), { since: 1 })
    }
  }),
  response: message({
    name: 'ListConfigResourcesResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      configResources: array(
        struct({
          resourceName: string(),
          resourceType: int8({ since: 1, absent: 16, ignorable: true })
        })
      )
    }
  })
})
