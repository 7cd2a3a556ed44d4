/** FenceBrokerRecord: metadata record type 7. */
import { int32, int64, message } from '../../schema.js'

export const fenceBrokerRecord = message({
  name: 'FenceBrokerRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    id: int32(),
    epoch: int64()
  }
})
