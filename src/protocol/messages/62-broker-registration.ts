/**
 * BrokerRegistration (API 62): A broker registers with the controller when it starts (KIP-631).
 *
 * Version notes (+ field added, - field removed):
 * v1: brokers that still live with ZooKeeper (KIP-866); request + isMigratingZkBroker
 * v2: ids of the log directories (KIP-858); request + logDirs
 * v3: the epoch before a clean shutdown (KIP-966); request + previousBrokerEpoch
 * v4: features whose least version is 0
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, string, struct, uint16, uuid } from '../schema.js'

export const brokerRegistration = api({
  key: 62,
  name: 'BrokerRegistration',
  stable: [0, 4],
  request: message({
    name: 'BrokerRegistrationRequest',
    versions: [0, 4],
    flexible: 0,
    fields: {
      brokerId: int32(),
      clusterId: string(),
      incarnationId: uuid(),
      listeners: array(
        struct({
          name: string(),
          host: string(),
          port: uint16(),
          securityProtocol: int16()
        })
      ),
      features: array(
        struct({
          name: string(),
          minSupportedVersion: int16(),
          maxSupportedVersion: int16()
        })
      ),
      rack: string({ nullable: 0 }),
      isMigratingZkBroker: bool({ since: 1, absent: false }),
      logDirs: array(uuid(), { since: 2, ignorable: true }),
      previousBrokerEpoch: int64({ since: 3, absent: -1, ignorable: true })
    }
  }),
  response: message({
    name: 'BrokerRegistrationResponse',
    versions: [0, 4],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      brokerEpoch: int64({ absent: -1 })
    }
  })
})
