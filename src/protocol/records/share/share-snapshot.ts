/** ShareSnapshot, records of type 0: The whole state of a share partition: start offset and delivery state of what follows (KIP-932). */
import { recordType } from '../coordinator-record.js'
import { array, int16, int32, int64, int8, message, string, struct, uuid } from '../../schema.js'

export const shareSnapshotKey = message({
  name: 'ShareSnapshotKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    topicId: uuid(),
    partition: int32()
  }
})

export const shareSnapshotValue = message({
  name: 'ShareSnapshotValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ absent: -1, tag: 0 }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
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

export const shareSnapshot = recordType(0, shareSnapshotKey, shareSnapshotValue)
