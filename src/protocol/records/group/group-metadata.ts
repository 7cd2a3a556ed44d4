/**
 * GroupMetadata, records of type 2: A classic group as of its last generation: protocol, leader, members with subscription and
 * assignment.
 */
import { recordType } from '../coordinator-record.js'
import { array, bytes, int32, int64, message, string, struct } from '../../schema.js'

const memberMetadataFields = {
  memberId: string(),
  groupInstanceId: string({ since: 3, absent: null, nullable: 3, ignorable: true }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32({ since: 1, absent: -1, ignorable: true }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes()
}

export const groupMetadataKey = message({
  name: 'GroupMetadataKey',
  versions: [0, 0],
  fields: {
    group: string()
  }
})

export const groupMetadataValue = message({
  name: 'GroupMetadataValue',
  versions: [0, 4],
  flexible: 4,
  fields: {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: 0 }),
    leader: string({ nullable: 0 }),
    currentStateTimestamp: int64({ since: 2, absent: -1, ignorable: true }),
    members: array(struct(memberMetadataFields))
  }
})

export const groupMetadata = recordType(2, groupMetadataKey, groupMetadataValue)
