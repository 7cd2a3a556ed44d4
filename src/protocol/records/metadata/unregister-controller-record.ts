/** UnregisterControllerRecord: metadata record type 29. */
import { int32, message } from '../../schema.js'

export const unregisterControllerRecord = message({
  name: 'UnregisterControllerRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    controllerId: int32()
  }
})
