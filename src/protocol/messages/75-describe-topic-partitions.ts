/**
 * DescribeTopicPartitions (API 75): Describes partitions of topics page by page, with the eligible leader replicas (KIP-966).
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct, uuid } from '../schema.js'

export const describeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  stable: [0, 0],
  request: message({
    name: 'DescribeTopicPartitionsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      topics: array(
        struct({
          name: string()
        })
      ),
      responsePartitionLimit: int32({ absent: 2000 }),
      cursor: struct(
        {
          topicName: string(),
          partitionIndex: int32()
        },
        { absent: null, nullable: 0 }
      )
    }
  }),
  response: message({
    name: 'DescribeTopicPartitionsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          errorCode: int16(),
          name: string({ nullable: 0 }),
          topicId: uuid(),
          isInternal: bool({ absent: false }),
          partitions: array(
            struct({
              errorCode: int16(),
              partitionIndex: int32(),
              leaderId: int32(),
              leaderEpoch: int32({ absent: -1 }),
              replicaNodes: array(int32()),
              isrNodes: array(int32()),
              eligibleLeaderReplicas: array(int32(), { absent: null, nullable: 0 }),
              lastKnownElr: array(int32(), { absent: null, nullable: 0 }),
              offlineReplicas: array(int32())
            })
          ),
          topicAuthorizedOperations: int32({ absent: -2147483648 })
        })
      ),
      nextCursor: struct(
        {
          topicName: string(),
          partitionIndex: int32()
        },
        { absent: null, nullable: 0 }
      )
    }
  })
})
