/** KRaftVersionRecord. */
import { int16, message } from '../../schema.js'

export const kRaftVersionRecord = message({
  name: 'KRaftVersionRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16(),
    kRaftVersion: int16()
  }
})
