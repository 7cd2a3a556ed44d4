/**
 * AlterUserScramCredentials (API 51): Sets and removes SCRAM credentials of users (KIP-554).
 */
import { api } from '../api.js'
import { array, bytes, int16, int32, int8, message, string, struct } from '../schema.js'

export const alterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  stable: [0, 0],
  request: message({
    name: 'AlterUserScramCredentialsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      deletions: array(
        struct({
          name: string(),
          mechanism: int8()
        })
      ),
      upsertions: array(
        struct({
          name: string(),
          mechanism: int8(),
          iterations: int32(),
          salt: bytes(),
          saltedPassword: bytes()
        })
      )
    }
  }),
  response: message({
    name: 'AlterUserScramCredentialsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      results: array(
        struct({
          user: string(),
          errorCode: int16(),
          errorMessage: string({ nullable: 0 })
        })
      )
    }
  })
})
