/**
 * ShareAcknowledge (API 79): Acknowledges records of a share group without fetching (KIP-932).
 *
 * Version notes (+ field added, - field removed):
 * v2: locks can be renewed; how long they hold (KIP-1222); request + isRenewAck; response + acquisitionLockTimeoutMs
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, int8, message, string, struct, uuid } from '../schema.js'

export const shareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  stable: [1, 2],
  request: message({
    name: 'ShareAcknowledgeRequest',
    versions: [1, 2],
    flexible: 0,
    fields: {
      groupId: string({ absent: null, nullable: 0 }),
      memberId: string({ nullable: 0 }),
      shareSessionEpoch: int32(),
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
      )
    }
  }),
  response: message({
    name: 'ShareAcknowledgeResponse',
    versions: [1, 2],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 }),
      acquisitionLockTimeoutMs: int32({ since: 2, ignorable: true }),
      responses: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              errorMessage: string({ absent: null, nullable: 0 }),
              currentLeader: struct({
                leaderId: int32(),
                leaderEpoch: int32()
              })
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
