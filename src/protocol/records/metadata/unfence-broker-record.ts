/** UnfenceBrokerRecord: metadata record type 8. */
import { int32, int64, message } from '../../schema.js'

export const unfenceBrokerRecord = message({
  name: 'UnfenceBrokerRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    id: int32(),
    epoch: int64()
  }
})
