/** TopicRecord: metadata record type 2. */
import { message, string, uuid } from '../../schema.js'

export const topicRecord = message({
  name: 'TopicRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    name: string(),
    topicId: uuid()
  }
})
