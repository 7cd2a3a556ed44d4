/**
 * ControllerRegistration (API 70): A controller registers with the active one (KIP-919).
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct, uint16, uuid } from '../schema.js'

export const controllerRegistration = api({
  key: 70,
  name: 'ControllerRegistration',
  stable: [0, 0],
  request: message({
    name: 'ControllerRegistrationRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      controllerId: int32(),
      incarnationId: uuid(),
      zkMigrationReady: bool(),
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
      )
    }
  }),
  response: message({
    name: 'ControllerRegistrationResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 })
    }
  })
})
