/**
 * DescribeUserScramCredentials (API 50): Lists which SCRAM credentials users have, never the secrets (KIP-554).
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  stable: [0, 0],
  request: message({
    name: 'DescribeUserScramCredentialsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      users: array(
        struct({
          name: string()
        }),
        { nullable: 0 }
      )
    }
  }),
  response: message({
    name: 'DescribeUserScramCredentialsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      results: array(
        struct({
          user: string(),
          errorCode: int16(),
          errorMessage: string({ nullable: 0 }),
          credentialInfos: array(
            struct({
              mechanism: int8(),
              iterations: int32()
            })
          )
        })
      )
    }
  })
})
