/**
 * DeleteTopics (API 20): Deletes topics.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124)
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: may answer TOPIC_DELETION_DISABLED
 * v4: flexible (KIP-482)
 * v5: error texts; may answer THROTTLING_QUOTA_EXCEEDED (KIP-599); response + responses.errorMessage
 * v6: by topic id, too (KIP-516); request + topics; request - topicNames; response + responses.topicId
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema.js'

export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  stable: [1, 6],
  request: message({
    name: 'DeleteTopicsRequest',
    versions: [1, 6],
    flexible: 4,
    fields: {
      topics: array(
        struct({
          name: string({ absent: null, nullable: 6 }),
          topicId: uuid()
        }),
        { since: 6 }
      ),
      topicNames: array(string(), { until: 5, ignorable: true }),
      timeoutMs: int32()
    }
  }),
  response: message({
    name: 'DeleteTopicsResponse',
    versions: [1, 6],
    flexible: 4,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      responses: array(
        struct({
          name: string({ nullable: 6 }),
          topicId: uuid({ since: 6, ignorable: true }),
          errorCode: int16(),
          errorMessage: string({ since: 5, absent: null, nullable: 5, ignorable: true })
        })
      )
    }
  })
})
