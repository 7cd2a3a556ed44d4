/**
 * ShareFetch (API 78): Acquires records for a member of a share group, and acknowledges earlier ones (KIP-932).
 *
 * Version notes (+ field added, - field removed):
 * v2: how many records may be acquired: by batch or strictly (KIP-1206); locks can be renewed (KIP-1222); request + shareAcquireMode,
 *   isRenewAck
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, int8, message, records, string, struct, uuid } from '../schema.js'

export const shareFetch = api({
  key: 78,
  name: 'ShareFetch',
  stable: [1, 2],
  request: message({
    name: 'ShareFetchRequest',
    versions: [1, 2],
    flexible: 0,
    fields: {
      groupId: string({ absent: null, nullable: 0 }),
      memberId: string({ nullable: 0 }),
      shareSessionEpoch: int32(),
      maxWaitMs: int32(),
      minBytes: int32(),
      maxBytes: int32({ absent: 2147483647 }),
      maxRecords: int32(),
      batchSize: int32(),
      shareAcquireMode: int8({ since: 2, absent: 0, ignorable: true }),
      isRenewAck: bool({ since: 2, absent: false }),
      topics: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              acknowledgementBatches: array(
                struct({
                  firstOffset: int64(),
                  lastOffset: int64(),
                  acknowledgeTypes: array(int8())
                })
              )
            })
          )
        })
      ),
      forgottenTopicsData: array(
        struct({
          topicId: uuid(),
          partitions: array(int32())
        })
      )
    }
  }),
  response: message({
    name: 'ShareFetchResponse',
    versions: [1, 2],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 }),
      acquisitionLockTimeoutMs: int32(),
      responses: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              errorMessage: string({ absent: null, nullable: 0 }),
              acknowledgeErrorCode: int16(),
              acknowledgeErrorMessage: string({ absent: null, nullable: 0 }),
              currentLeader: struct({
                leaderId: int32(),
                leaderEpoch: int32()
              }),
              records: records({ nullable: 0 }),
              acquiredRecords: array(
                struct({
                  firstOffset: int64(),
                  lastOffset: int64(),
                  deliveryCount: int16()
                })
              )
            })
          )
        })
      ),
      nodeEndpoints: array(
        struct({
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: string({ absent: null, nullable: 0 })
        })
      )
    }
  })
})
