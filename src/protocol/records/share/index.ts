/** The record types of `__share_group_state`, by the number that stands before the key. */
import type { RecordType } from '../coordinator-record.js'
import { shareSnapshot } from './share-snapshot.js'
import { shareUpdate } from './share-update.js'

export const shareRecordTypes: ReadonlyMap<number, RecordType> = new Map(
  [shareSnapshot, shareUpdate].map((each) => [each.type, each as RecordType])
)
