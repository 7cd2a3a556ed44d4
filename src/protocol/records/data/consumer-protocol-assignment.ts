/** ConsumerProtocolAssignment. */
import { array, bytes, int32, message, string, struct } from '../../schema.js'

export const consumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  fields: {
    assignedPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32())
      })
    ),
    userData: bytes({ absent: null, nullable: 0 })
  }
})
