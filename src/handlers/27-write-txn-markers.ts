/**
 * WriteTxnMarkers: a coordinator, or an administrator who ends a transaction that hangs (KIP-664), has markers written.
 *
 * Version notes: v1 flexible. v2 transaction version, by which the epoch of a marker is judged (KIP-1228).
 */
import { endTransaction } from '../broker/end-transaction.js'
import type { BrokerServices } from '../broker/services.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { writeTxnMarkers } from '../protocol/messages/27-write-txn-markers.js'
import type { MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'

const NO_PRODUCER = -1

type Request = MessageOf<typeof writeTxnMarkers.request>

export const writeTxnMarkersHandler = handler({
  api: writeTxnMarkers,
  minVersion: 1,
  maxVersion: 2,
  async handle(request, _context, broker) {
    if (isImpossible(request, broker)) return refused(request, ErrorCode.UNKNOWN_SERVER_ERROR)
    const written = request.markers.map(async (asked) => {
      const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = asked
      const marker = { producerId, producerEpoch, coordinatorEpoch, transactionVersion, commit: asked.transactionResult }
      const topics = asked.topics.map(async ({ name, partitionIndexes }) => {
        const partitions = partitionIndexes.map(async (partitionIndex) => ({
          partitionIndex,
          errorCode: await endTransaction(broker, name, partitionIndex, marker)
        }))
        return { name, partitions: await Promise.all(partitions) }
      })
      return { producerId, topics: await Promise.all(topics) }
    })
    return { markers: await Promise.all(written) }
  },
  failed: refused
})

/** No batch can have such a producer or epoch: then nothing of the request is written. */
function isImpossible({ markers }: Request, { replicas }: BrokerServices): boolean {
  return markers.some(
    ({ producerId, producerEpoch, topics }) =>
      (producerId === NO_PRODUCER || producerEpoch < 0) &&
      topics.some(({ name, partitionIndexes }) => partitionIndexes.some((index) => replicas.partition(name, index) !== undefined))
  )
}

function refused({ markers }: Request, errorCode: number) {
  return {
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode }))
      }))
    }))
  }
}
