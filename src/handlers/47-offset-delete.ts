/**
 * OffsetDelete: removes what a group has committed of topics that it does not read (KIP-496).
 *
 * Version notes: v0 is the only one, and never became flexible.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { offsetDelete } from '../protocol/messages/47-offset-delete.js'
import { handler } from './handler.js'

export const offsetDeleteHandler = handler({
  api: offsetDelete,
  minVersion: 0,
  maxVersion: 0,
  async handle({ groupId, topics }, _context, broker) {
    const { image } = broker.metadata
    const exists = (name: string, index: number): boolean => image.topicByName(name)?.partitions[index] !== undefined
    const known = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.filter(({ partitionIndex }) => exists(name, partitionIndex))
    }))
    const answer = await broker.groups.deleteOffsets({ groupId, topics: known })
    if (answer.errorCode !== ErrorCode.NONE) return { errorCode: answer.errorCode, topics: [] }
    return {
      errorCode: ErrorCode.NONE,
      topics: topics.map(({ name, partitions }, at) => {
        let next = 0
        return {
          name,
          partitions: partitions.map(({ partitionIndex }) =>
            exists(name, partitionIndex)
              ? answer.topics[at]!.partitions[next++]!
              : { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
          )
        }
      })
    }
  },
  failed: (_request, errorCode) => ({ errorCode, topics: [] })
})
