/**
 * DescribeGroups (API 15): Describes classic groups: state, protocol, members.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124); response + throttleTimeMs
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: allowed operations (KIP-430); request + includeAuthorizedOperations; response + groups.authorizedOperations
 * v4: instance ids (KIP-345); response + groups.members.groupInstanceId
 * v5: flexible (KIP-482)
 * v6: a missing group is GROUP_ID_NOT_FOUND, with a text (KIP-1043); response + groups.errorMessage
 */
import { api } from '../api.js'
import { array, bool, bytes, int16, int32, message, string, struct } from '../schema.js'

export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  stable: [0, 6],
  request: message({
    name: 'DescribeGroupsRequest',
    versions: [0, 6],
    flexible: 5,
    fields: {
      groups: array(string()),
      includeAuthorizedOperations: bool({ since: 3 })
    }
  }),
  response: message({
    name: 'DescribeGroupsResponse',
    versions: [0, 6],
    flexible: 5,
    fields: {
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      groups: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ since: 6, absent: null, nullable: 6 }),
          groupId: string(),
          groupState: string(),
          protocolType: string(),
          protocolData: string(),
          members: array(
            struct({
              memberId: string(),
              groupInstanceId: string({ since: 4, absent: null, nullable: 4, ignorable: true }),
              clientId: string(),
              clientHost: string(),
              memberMetadata: bytes(),
              memberAssignment: bytes()
            })
          ),
          authorizedOperations: int32({ since: 3, absent: -2147483648 })
        })
      )
    }
  })
})
