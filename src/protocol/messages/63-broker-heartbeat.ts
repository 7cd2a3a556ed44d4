/**
 * BrokerHeartbeat (API 63): A broker keeps its registration alive, and asks to be unfenced or to shut down (KIP-631).
 *
 * Version notes (+ field added, - field removed):
 * v1: directories that went offline (KIP-858); request + offlineLogDirs
 * v2: cordoned directories (KIP-1066); request + cordonedLogDirs
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, uuid } from '../schema.js'

export const brokerHeartbeat = api({
  key: 63,
  name: 'BrokerHeartbeat',
  stable: [0, 2],
  request: message({
    name: 'BrokerHeartbeatRequest',
    versions: [0, 2],
    flexible: 0,
    fields: {
      brokerId: int32(),
      brokerEpoch: int64({ absent: -1 }),
      currentMetadataOffset: int64(),
      wantFence: bool(),
      wantShutDown: bool(),
      offlineLogDirs: array(uuid(), { since: 1, tag: 0 }),
      cordonedLogDirs: array(uuid(), { since: 2, absent: null, nullable: 2, tag: 1 })
    }
  }),
  response: message({
    name: 'BrokerHeartbeatResponse',
    versions: [0, 2],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      isCaughtUp: bool({ absent: false }),
      isFenced: bool({ absent: true }),
      shouldShutDown: bool()
    }
  })
})
