/** RegisterBrokerRecord: metadata record type 0. */
import { array, bool, int16, int32, int64, message, string, struct, uint16, uuid } from '../../schema.js'

export const registerBrokerRecord = message({
  name: 'RegisterBrokerRecord',
  versions: [0, 4],
  flexible: 0,
  fields: {
    brokerId: int32(),
    isMigratingZkBroker: bool({ since: 2, absent: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array(
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
    fenced: bool({ absent: true }),
    inControlledShutdown: bool({ since: 1, absent: false }),
    logDirs: array(uuid(), { since: 3, tag: 0 }),
    cordonedLogDirs: array(uuid(), { since: 4, absent: null, nullable: 4, tag: 1 })
  }
})
