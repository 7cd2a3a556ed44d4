/**
 * WriteTxnMarkers (API 27): Sent by a transaction coordinator: writes commit or abort markers into partitions (KIP-98).
 *
 * Version notes (+ field added, - field removed):
 * v2: transaction version, by which the epoch of a marker is judged (KIP-1228); request + markers.transactionVersion
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, int8, message, string, struct } from '../schema.js'

export const writeTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  stable: [1, 2],
  request: message({
    name: 'WriteTxnMarkersRequest',
    versions: [1, 2],
    flexible: 1,
    fields: {
      markers: array(
        struct({
          producerId: int64(),
          producerEpoch: int16(),
          transactionResult: bool(),
          topics: array(
            struct({
              name: string(),
              partitionIndexes: array(int32())
            })
          ),
          coordinatorEpoch: int32(),
          transactionVersion: int8({ since: 2, absent: 0, ignorable: true })
        })
      )
    }
  }),
  response: message({
    name: 'WriteTxnMarkersResponse',
    versions: [1, 2],
    flexible: 1,
    fields: {
      markers: array(
        struct({
          producerId: int64(),
          topics: array(
            struct({
              name: string(),
              partitions: array(
                struct({
                  partitionIndex: int32(),
                  errorCode: int16()
                })
              )
            })
          )
        })
      )
    }
  })
})
