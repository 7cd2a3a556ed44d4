/** ProducerSnapshot. */
import { array, int16, int32, int64, message, struct, uint32 } from '../../schema.js'

export const producerSnapshot = message({
  name: 'ProducerSnapshot',
  versions: [1, 1],
  fields: {
    crc: uint32(),
    producerEntries: array(
      struct({
        producerId: int64(),
        epoch: int16(),
        lastSequence: int32(),
        lastOffset: int64(),
        offsetDelta: int32(),
        timestamp: int64(),
        coordinatorEpoch: int32(),
        currentTxnFirstOffset: int64()
      })
    )
  }
})
