/** ClearElrRecord: metadata record type 28. */
import { message, string } from '../../schema.js'

export const clearElrRecord = message({
  name: 'ClearElrRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicName: string()
  }
})
