/** ShareUpdate, records of type 1: A change of the state of a share partition since its last snapshot (KIP-932). */
import { recordType } from '../coordinator-record.js'
import { array, int16, int32, int64, int8, message, string, struct, uuid } from '../../schema.js'

export const shareUpdateKey = message({
  name: 'ShareUpdateKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    topicId: uuid(),
    partition: int32()
  }
})

export const shareUpdateValue = message({
  name: 'ShareUpdateValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ absent: -1, tag: 0 }),
    stateBatches: array(
      struct({
        firstOffset: int64(),
        lastOffset: int64(),
        deliveryState: int8(),
        deliveryCount: int16()
      })
    )
  }
})

export const shareUpdate = recordType(1, shareUpdateKey, shareUpdateValue)
