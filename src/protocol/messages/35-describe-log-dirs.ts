/**
 * DescribeLogDirs (API 35): Tells the log directories of a broker and the size of what lies in them (KIP-113).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 * v3: an error for the whole answer; response + errorCode
 * v4: total and usable bytes of the volume (KIP-827); response + results.totalBytes, results.usableBytes
 * v5: cordoned directories (KIP-1066); response + results.isCordoned
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, string, struct } from '../schema.js'

export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  stable: [1, 5],
  request: message({
    name: 'DescribeLogDirsRequest',
    versions: [1, 5],
    flexible: 2,
    fields: {
      topics: array(
        struct({
          topic: string(),
          partitions: array(int32())
        }),
        { nullable: 0 }
      )
    }
  }),
  response: message({
    name: 'DescribeLogDirsResponse',
    versions: [1, 5],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16({ since: 3, ignorable: true }),
      results: array(
        struct({
          errorCode: int16(),
          logDir: string(),
          topics: array(
            struct({
              name: string(),
              partitions: array(
                struct({
                  partitionIndex: int32(),
                  partitionSize: int64(),
                  offsetLag: int64(),
                  isFutureKey: bool()
                })
              )
            })
          ),
          totalBytes: int64({ since: 4, absent: -1, ignorable: true }),
          usableBytes: int64({ since: 4, absent: -1, ignorable: true }),
          isCordoned: bool({ since: 5, absent: false, ignorable: true })
        })
      )
    }
  })
})
