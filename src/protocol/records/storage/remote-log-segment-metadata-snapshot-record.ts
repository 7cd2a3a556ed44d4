/** RemoteLogSegmentMetadataSnapshotRecord. */
import { array, bool, bytes, int32, int64, int8, message, struct, uuid } from '../../schema.js'

export const remoteLogSegmentMetadataSnapshotRecord = message({
  name: 'RemoteLogSegmentMetadataSnapshotRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    segmentId: uuid(),
    startOffset: int64(),
    endOffset: int64(),
    brokerId: int32(),
    maxTimestampMs: int64(),
    eventTimestampMs: int64(),
    segmentLeaderEpochs: array(
      struct({
        leaderEpoch: int32(),
        offset: int64()
      })
    ),
    segmentSizeInBytes: int32(),
    customMetadata: bytes({ absent: null, nullable: 0 }),
    remoteLogSegmentState: int8(),
    txnIndexEmpty: bool({ tag: 0 })
  }
})
