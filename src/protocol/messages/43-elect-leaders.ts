/**
 * ElectLeaders (API 43): Elects leaders of partitions (KIP-183).
 *
 * Version notes (+ field added, - field removed):
 * v1: unclean elections, too; an error for the whole answer (KIP-460); request + electionType; response + errorCode
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  stable: [0, 2],
  request: message({
    name: 'ElectLeadersRequest',
    versions: [0, 2],
    flexible: 2,
    fields: {
      electionType: int8({ since: 1 }),
      topicPartitions: array(
        struct({
          topic: string(),
          partitions: array(int32())
        }),
        { nullable: 0 }
      ),
      timeoutMs: int32({ absent: 60000 })
    }
  }),
  response: message({
    name: 'ElectLeadersResponse',
    versions: [0, 2],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16({ since: 1 }),
      replicaElectionResults: array(
        struct({
          topic: string(),
          partitionResult: array(
            struct({
              partitionId: int32(),
              errorCode: int16(),
              errorMessage: string({ nullable: 0 })
            })
          )
        })
      )
    }
  })
})
