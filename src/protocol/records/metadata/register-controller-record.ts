/** RegisterControllerRecord: metadata record type 27. */
import { array, bool, int16, int32, message, string, struct, uint16, uuid } from '../../schema.js'

export const registerControllerRecord = message({
  name: 'RegisterControllerRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
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
    )
  }
})
