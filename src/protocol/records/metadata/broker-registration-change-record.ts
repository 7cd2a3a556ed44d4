/** BrokerRegistrationChangeRecord: metadata record type 17. */
import { array, int32, int64, int8, message, uuid } from '../../schema.js'

export const brokerRegistrationChangeRecord = message({
  name: 'BrokerRegistrationChangeRecord',
  versions: [0, 3],
  flexible: 0,
  fields: {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0 }),
    inControlledShutdown: int8({ since: 1, tag: 1 }),
    logDirs: array(uuid(), { since: 2, tag: 2 }),
    cordonedLogDirs: array(uuid(), { since: 3, absent: null, nullable: 3, tag: 3 })
  }
})
