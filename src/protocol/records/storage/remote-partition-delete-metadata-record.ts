/** RemotePartitionDeleteMetadataRecord. */
import { int32, int64, int8, message, string, struct, uuid } from '../../schema.js'

export const remotePartitionDeleteMetadataRecord = message({
  name: 'RemotePartitionDeleteMetadataRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicIdPartition: struct({
      name: string(),
      id: uuid(),
      partition: int32()
    }),
    brokerId: int32(),
    eventTimestampMs: int64(),
    remotePartitionDeleteState: int8()
  }
})
