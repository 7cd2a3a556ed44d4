/** EndTxnMarker. */
import { int32, message } from '../../schema.js'

export const endTxnMarker = message({
  name: 'EndTxnMarker',
  versions: [0, 0],
  fields: {
    coordinatorEpoch: int32()
  }
})
