/** AbortedTxn. */
import { int64, message } from '../../schema.js'

export const abortedTxn = message({
  name: 'AbortedTxn',
  versions: [0, 0],
  fields: {
    producerId: int64(),
    firstOffset: int64(),
    lastOffset: int64(),
    lastStableOffset: int64()
  }
})
