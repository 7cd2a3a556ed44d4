/** RemoteLogSegmentMetadataUpdateRecord. */
import { bytes, int32, int64, int8, message, string, struct, uuid } from '../../schema.js'

export const remoteLogSegmentMetadataUpdateRecord = message({
  name: 'RemoteLogSegmentMetadataUpdateRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    remoteLogSegmentId: struct({
      topicIdPartition: struct({
        name: string(),
        id: uuid(),
        partition: int32()
      }),
      id: uuid()
    }),
    brokerId: int32(),
    eventTimestampMs: int64(),
    customMetadata: bytes({ absent: null, nullable: 0 }),
    remoteLogSegmentState: int8()
  }
})
