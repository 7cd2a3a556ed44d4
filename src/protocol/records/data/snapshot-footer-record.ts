/** SnapshotFooterRecord. */
import { int16, message } from '../../schema.js'

export const snapshotFooterRecord = message({
  name: 'SnapshotFooterRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16()
  }
})
