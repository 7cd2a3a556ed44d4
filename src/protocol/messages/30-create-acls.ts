/**
 * CreateAcls (API 30): Creates access rules.
 *
 * Version notes (+ field added, - field removed):
 * v1: pattern types: literal, prefixed (KIP-290)
 * v2: flexible (KIP-482)
 * v3: rules on users, for delegation tokens (KIP-373)
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const createAcls = api({
  key: 30,
  name: 'CreateAcls',
  stable: [1, 3],
  request: message({
    name: 'CreateAclsRequest',
    versions: [1, 3],
    flexible: 2,
    fields: {
      creations: array(
        struct({
          resourceType: int8(),
          resourceName: string(),
          resourcePatternType: int8({ absent: 3 }),
          principal: string(),
          host: string(),
          operation: int8(),
          permissionType: int8()
        })
      )
    }
  }),
  response: message({
    name: 'CreateAclsResponse',
    versions: [1, 3],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      results: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ nullable: 0 })
        })
      )
    }
  })
})
