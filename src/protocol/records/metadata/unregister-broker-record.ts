/** UnregisterBrokerRecord: metadata record type 1. */
import { int32, int64, message } from '../../schema.js'

export const unregisterBrokerRecord = message({
  name: 'UnregisterBrokerRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    brokerId: int32(),
    brokerEpoch: int64()
  }
})
