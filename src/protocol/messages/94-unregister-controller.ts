/**
 * UnregisterController (API 94): Removes the registration of a controller that will not come back.
 */
import { api } from '../api.js'
import { int16, int32, message, string } from '../schema.js'

export const unregisterController = api({
  key: 94,
  name: 'UnregisterController',
  request: message({
    name: 'UnregisterControllerRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      controllerId: int32()
    }
  }),
  response: message({
    name: 'UnregisterControllerResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 })
    }
  })
})
