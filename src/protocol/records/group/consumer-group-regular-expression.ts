/**
 * ConsumerGroupRegularExpression, records of type 16: The topics that a regular expression of a consumer group matched, as of which
 * metadata (KIP-848).
 */
import { recordType } from '../coordinator-record.js'
import { array, int64, message, string } from '../../schema.js'

export const consumerGroupRegularExpressionKey = message({
  name: 'ConsumerGroupRegularExpressionKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    regularExpression: string()
  }
})

export const consumerGroupRegularExpressionValue = message({
  name: 'ConsumerGroupRegularExpressionValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array(string()),
    version: int64(),
    timestamp: int64()
  }
})

export const consumerGroupRegularExpression = recordType(16, consumerGroupRegularExpressionKey, consumerGroupRegularExpressionValue)
