/**
 * CreateTopics (API 19): Creates topics.
 *
 * Version notes (+ field added, - field removed):
 * v2: throttle time (KIP-124)
 * v3: the broker answers first and throttles afterwards (KIP-219)
 * v4: -1 partitions or replicas mean the default (KIP-464)
 * v5: the settings of the new topic in the answer (KIP-525); flexible (KIP-482); response + topics.topicConfigErrorCode,
 *   topics.numPartitions, topics.replicationFactor, topics.configs
 * v6: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599)
 * v7: topic id in the answer (KIP-516); response + topics.topicId
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct, uuid } from '../schema.js'

export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  stable: [2, 7],
  request: message({
    name: 'CreateTopicsRequest',
    versions: [2, 7],
    flexible: 5,
    fields: {
      topics: array(
        struct({
          name: string(),
          numPartitions: int32(),
          replicationFactor: int16(),
          assignments: array(
            struct({
              partitionIndex: int32(),
              brokerIds: array(int32())
            })
          ),
          configs: array(
            struct({
              name: string(),
              value: string({ nullable: 0 })
            })
          )
        })
      ),
      timeoutMs: int32({ absent: 60000 }),
      validateOnly: bool({ absent: false })
    }
  }),
  response: message({
    name: 'CreateTopicsResponse',
    versions: [2, 7],
    flexible: 5,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          name: string(),
          topicId: uuid({ since: 7, ignorable: true }),
          errorCode: int16(),
          errorMessage: string({ nullable: 0 }),
          topicConfigErrorCode: int16({ since: 5, tag: 0, ignorable: true }),
          numPartitions: int32({ since: 5, absent: -1, ignorable: true }),
          replicationFactor: int16({ since: 5, absent: -1, ignorable: true }),
          configs: array(
            struct({
              name: string(),
              value: string({ nullable: 5 }),
              readOnly: bool(),
              configSource: int8({ absent: -1 }),
              isSensitive: bool()
            }),
            { since: 5, nullable: 5, ignorable: true }
          )
        })
      )
    }
  })
})
