/**
 * DeleteRecords: moves a partition's log start offset up; -1 means the high watermark.
 *
 * Version notes: v2 flexible.
 */
import type { BrokerServices } from '../broker/services.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { deleteRecords } from '../protocol/messages/21-delete-records.js'
import { handler } from './handler.js'

const TO_HIGH_WATERMARK = -1

export const deleteRecordsHandler = handler({
  api: deleteRecords,
  minVersion: 0,
  maxVersion: 2,
  async handle(request, _context, broker) {
    return {
      topics: await Promise.all(
        request.topics.map(async ({ name, partitions }) => ({
          name,
          partitions: await Promise.all(
            partitions.map(async ({ partitionIndex, offset }) => ({
              partitionIndex,
              ...(await deleteBefore(broker, name, partitionIndex, offset))
            }))
          )
        }))
      )
    }
  }
})

async function deleteBefore(
  broker: BrokerServices,
  topic: string,
  index: number,
  offset: number
): Promise<{ errorCode: number; lowWatermark: number }> {
  const refuse = (errorCode: number) => ({ errorCode, lowWatermark: -1 })
  const partition = broker.replicas.partition(topic, index)
  if (partition === undefined) return refuse(broker.replicas.whyMissing(topic, index))
  if (broker.isInternal(topic)) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION)
  // Only what retention may delete may be deleted by hand: a compacted topic keeps its latest values.
  if (!partition.log.config.cleanupPolicy.includes('delete')) return refuse(ErrorCode.POLICY_VIOLATION)
  const before = offset === TO_HIGH_WATERMARK ? partition.highWatermark : offset
  if (before < 0 || before > partition.highWatermark) return refuse(ErrorCode.OFFSET_OUT_OF_RANGE)
  const { errorCode, logStartOffset } = await partition.log.deleteRecordsBefore(before)
  return errorCode === ErrorCode.NONE ? { errorCode, lowWatermark: logStartOffset } : refuse(errorCode)
}
