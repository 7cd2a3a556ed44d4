/**
 * AddOffsetsToTxn: the offsets of a group become part of a producer's transaction.
 *
 * Version notes: v2 PRODUCER_FENCED in place of INVALID_PRODUCER_EPOCH. v3 flexible. v4 TRANSACTION_ABORTABLE. Clients of transaction version 2
 * do without it.
 */
import { GROUP_TOPIC } from '../coordinator/group/group-coordinator.js'
import { partitionSet } from '../coordinator/transaction/transaction-metadata.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { addOffsetsToTxn } from '../protocol/messages/25-add-offsets-to-txn.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_FENCED = 2

export const addOffsetsToTxnHandler = handler({
  api: addOffsetsToTxn,
  minVersion: 0,
  maxVersion: 4,
  parks: true,
  async handle({ transactionalId, producerId, producerEpoch, groupId }, { apiVersion }, { groups, transactions }) {
    const partitions = partitionSet([[GROUP_TOPIC, groups.partitionFor(groupId)]])
    const errorCode = await transactions.addPartitions({ transactionalId, producerId, producerEpoch, partitions, clientVersion: 0 })
    const fenced = errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FIRST_VERSION_WITH_FENCED
    return { errorCode: fenced ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode }
  }
})
