/** Blocks of producer ids, each given out once in the life of the cluster. */
import { ErrorCode } from '../../protocol/error-codes.js'
import type { ProducerIdBlock } from '../controller-client.js'
import { RecordType } from '../records.js'
import type { ControllerState, Step } from './step.js'

/** As in Kafka. */
export const PRODUCER_IDS_PER_BLOCK = 1000

export function allocateProducerIds({ image }: ControllerState, brokerId: number): Step<ProducerIdBlock> {
  const start = image.nextProducerId
  const nextProducerId = start + PRODUCER_IDS_PER_BLOCK
  if (!Number.isSafeInteger(nextProducerId))
    return { records: [], response: { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, start: -1, length: 0 } }
  const brokerEpoch = image.broker(brokerId)?.epoch ?? -1
  return {
    records: [{ type: RecordType.producerIds, version: 0, data: { brokerId, brokerEpoch, nextProducerId } }],
    response: { errorCode: ErrorCode.NONE, start, length: PRODUCER_IDS_PER_BLOCK }
  }
}
