/** RemoveTopicRecord: metadata record type 9. */
import { message, uuid } from '../../schema.js'

export const removeTopicRecord = message({
  name: 'RemoveTopicRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicId: uuid()
  }
})
