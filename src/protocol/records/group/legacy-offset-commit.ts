/** LegacyOffsetCommit, records of type 0: An offset that a group stored, in the form of the oldest releases; read, never written. */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string } from '../../schema.js'

export const legacyOffsetCommitKey = message({
  name: 'LegacyOffsetCommitKey',
  versions: [0, 0],
  fields: {
    group: string(),
    topic: string(),
    partition: int32()
  }
})

export const legacyOffsetCommitValue = message({
  name: 'LegacyOffsetCommitValue',
  versions: [0, 0],
  fields: {
    offset: int64(),
    metadata: string(),
    commitTimestamp: int64()
  }
})

export const legacyOffsetCommit = recordType(0, legacyOffsetCommitKey, legacyOffsetCommitValue)
