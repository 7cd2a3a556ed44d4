/** The record types of `__transaction_state`, by the number that stands before the key. */
import type { RecordType } from '../coordinator-record.js'
import { transactionLog } from './transaction-log.js'

export const transactionRecordTypes: ReadonlyMap<number, RecordType> = new Map(
  [transactionLog].map((each) => [each.type, each as RecordType])
)
