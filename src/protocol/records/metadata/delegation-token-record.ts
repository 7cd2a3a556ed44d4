/** DelegationTokenRecord: metadata record type 10. */
import { array, int64, message, string } from '../../schema.js'

export const delegationTokenRecord = message({
  name: 'DelegationTokenRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string()
  }
})
