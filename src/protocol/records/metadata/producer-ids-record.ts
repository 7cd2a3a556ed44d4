/** ProducerIdsRecord: metadata record type 15. */
import { int32, int64, message } from '../../schema.js'

export const producerIdsRecord = message({
  name: 'ProducerIdsRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    brokerId: int32(),
    brokerEpoch: int64({ absent: -1 }),
    nextProducerId: int64()
  }
})
