/**
 * UnregisterBroker (API 64): Removes the registration of a broker that will not come back.
 */
import { api } from '../api.js'
import { int16, int32, message, string } from '../schema.js'

export const unregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  stable: [0, 0],
  request: message({
    name: 'UnregisterBrokerRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      brokerId: int32()
    }
  }),
  response: message({
    name: 'UnregisterBrokerResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 })
    }
  })
})
