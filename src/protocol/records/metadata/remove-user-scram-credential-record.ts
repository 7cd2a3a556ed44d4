/** RemoveUserScramCredentialRecord: metadata record type 22. */
import { int8, message, string } from '../../schema.js'

export const removeUserScramCredentialRecord = message({
  name: 'RemoveUserScramCredentialRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    name: string(),
    mechanism: int8()
  }
})
