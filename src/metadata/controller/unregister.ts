/** UnregisterBroker: forgets a broker that is gone for good. */
import { ErrorCode } from '../../protocol/error-codes.js'
import type { ControllerError } from '../controller-client.js'
import { recordVersions } from '../features.js'
import { NO_LEADER, partitionChange, RecordType, type MetadataRecord } from '../records.js'
import { failed } from './placement.js'
import type { ControllerState, Step } from './step.js'

/** Partitions that it led have no leader then, and it is in no ISR, unless it is the last one there. */
export function unregisterBroker({ image }: ControllerState, ownId: number, brokerId: number): Step<ControllerError> {
  const broker = image.broker(brokerId)
  if (!broker) {
    return { records: [], response: failed(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`) }
  }
  // Apache Kafka forgets itself then: seen with 4.3.1, no partition has a leader any more, and no client finds a broker, until it is started again.
  if (brokerId === ownId) {
    return { records: [], response: failed(ErrorCode.INVALID_REQUEST, `Broker ID ${brokerId} is the controller itself, which is alive`) }
  }
  const records: MetadataRecord[] = []
  const version = recordVersions.partition(image.features.metadataVersion)
  for (const topic of image.topics()) {
    for (const [partitionId, { leader, isr }] of topic.partitions.entries()) {
      const leads = leader === brokerId
      const leaves = isr.includes(brokerId) && isr.length > 1
      if (!leads && !leaves) continue
      records.push(
        partitionChange({ topicId: topic.id, partitionId }, version, {
          ...(leads ? { leader: NO_LEADER } : {}),
          ...(leaves ? { isr: isr.filter((id) => id !== brokerId) } : {})
        })
      )
    }
  }
  records.push({ type: RecordType.unregisterBroker, version: 0, data: { brokerId, brokerEpoch: broker.epoch } })
  return { records, response: { errorCode: ErrorCode.NONE, errorMessage: null } }
}
