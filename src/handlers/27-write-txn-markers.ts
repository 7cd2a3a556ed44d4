/**
 * WriteTxnMarkers: a coordinator, or an administrator who ends a transaction that hangs (KIP-664), has markers written.
 *
 * Version notes: v1 flexible. v2 transaction version, by which the epoch of a marker is judged (KIP-1228).
 */
import { endTransaction } from '../broker/end-transaction.js'
import { writeTxnMarkers } from '../protocol/messages/27-write-txn-markers.js'
import { handler } from './handler.js'

export const writeTxnMarkersHandler = handler({
  api: writeTxnMarkers,
  minVersion: 1,
  maxVersion: 2,
  async handle({ markers }, _context, broker) {
    const written = markers.map(async (asked) => {
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
  failed: ({ markers }, errorCode) => ({
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode }))
      }))
    }))
  })
})
