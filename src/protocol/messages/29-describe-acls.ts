/**
 * DescribeAcls (API 29): Lists access rules that match a filter.
 *
 * Version notes (+ field added, - field removed):
 * v1: pattern types: literal, prefixed (KIP-290)
 * v2: flexible (KIP-482)
 * v3: rules on users, for delegation tokens (KIP-373)
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const describeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  stable: [1, 3],
  request: message({
    name: 'DescribeAclsRequest',
    versions: [1, 3],
    flexible: 2,
    fields: {
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: 0 }),
      patternTypeFilter: int8({ absent: 3 }),
      principalFilter: string({ nullable: 0 }),
      hostFilter: string({ nullable: 0 }),
      operation: int8(),
      permissionType: int8()
    }
  }),
  response: message({
    name: 'DescribeAclsResponse',
    versions: [1, 3],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      resources: array(
        struct({
          resourceType: int8(),
          resourceName: string(),
          patternType: int8({ absent: 3 }),
          acls: array(
            struct({
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
