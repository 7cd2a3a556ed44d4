/**
 * AllocateProducerIds (API 67): A broker asks the controller for a block of producer ids (KIP-730).
 */
import { api } from '../api.js'
import { int16, int32, int64, message } from '../schema.js'

export const allocateProducerIds = api({
  key: 67,
  name: 'AllocateProducerIds',
  stable: [0, 0],
  request: message({
    name: 'AllocateProducerIdsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      brokerId: int32(),
      brokerEpoch: int64({ absent: -1 })
    }
  }),
  response: message({
    name: 'AllocateProducerIdsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      producerIdStart: int64(),
      producerIdLen: int32()
    }
  })
})
