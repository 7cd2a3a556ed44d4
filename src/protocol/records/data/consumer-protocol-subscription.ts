/** ConsumerProtocolSubscription. */
import { array, bytes, int32, message, string, struct } from '../../schema.js'

export const consumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  fields: {
    topics: array(string()),
    userData: bytes({ absent: null, nullable: 0 }),
    ownedPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32())
      }),
      { since: 1, ignorable: true }
    ),
    generationId: int32({ since: 2, absent: -1, ignorable: true }),
    rackId: string({ since: 3, absent: null, nullable: 3, ignorable: true })
  }
})
