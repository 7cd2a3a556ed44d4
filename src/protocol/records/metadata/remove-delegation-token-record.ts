/** RemoveDelegationTokenRecord: metadata record type 26. */
import { message, string } from '../../schema.js'

export const removeDelegationTokenRecord = message({
  name: 'RemoveDelegationTokenRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    tokenId: string()
  }
})
