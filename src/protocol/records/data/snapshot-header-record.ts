/** SnapshotHeaderRecord. */
import { int16, int64, message } from '../../schema.js'

export const snapshotHeaderRecord = message({
  name: 'SnapshotHeaderRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16(),
    lastContainedLogTimestamp: int64()
  }
})
