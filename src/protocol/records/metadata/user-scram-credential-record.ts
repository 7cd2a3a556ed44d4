/** UserScramCredentialRecord: metadata record type 11. */
import { bytes, int32, int8, message, string } from '../../schema.js'

export const userScramCredentialRecord = message({
  name: 'UserScramCredentialRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32()
  }
})
