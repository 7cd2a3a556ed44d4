/** OffsetCommit, records of type 1: An offset that a group stored for a partition; a tombstone when it is deleted or has expired. */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string, uuid } from '../../schema.js'

export const offsetCommitKey = message({
  name: 'OffsetCommitKey',
  versions: [0, 0],
  fields: {
    group: string(),
    topic: string(),
    partition: int32()
  }
})

export const offsetCommitValue = message({
  name: 'OffsetCommitValue',
  versions: [0, 4],
  flexible: 4,
  fields: {
    offset: int64(),
    leaderEpoch: int32({ since: 3, absent: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ since: 1, until: 1, absent: -1, ignorable: true }),
    topicId: uuid({ since: 4, tag: 0, ignorable: true })
  }
})

export const offsetCommit = recordType(1, offsetCommitKey, offsetCommitValue)
