/**
 * DeleteAcls (API 31): Deletes access rules that match filters.
 *
 * Version notes (+ field added, - field removed):
 * v1: pattern types: literal, prefixed (KIP-290)
 * v2: flexible (KIP-482)
 * v3: rules on users, for delegation tokens (KIP-373)
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const deleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  stable: [1, 3],
  request: message({
    name: 'DeleteAclsRequest',
    versions: [1, 3],
    flexible: 2,
    fields: {
      filters: array(
        struct({
          resourceTypeFilter: int8(),
          resourceNameFilter: string({ nullable: 0 }),
          patternTypeFilter: int8({ absent: 3 }),
          principalFilter: string({ nullable: 0 }),
          hostFilter: string({ nullable: 0 }),
          operation: int8(),
          permissionType: int8()
        })
      )
    }
  }),
  response: message({
    name: 'DeleteAclsResponse',
    versions: [1, 3],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      filterResults: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ nullable: 0 }),
          matchingAcls: array(
            struct({
              errorCode: int16(),
              errorMessage: string({ nullable: 0 }),
              resourceType: int8(),
              resourceName: string(),
              patternType: int8({ absent: 3 }),
              principal: string(),
              host: string(),
              operation: int8(),
              permissionType: int8()
            })
          )
        })
      )
    }
  })
})
