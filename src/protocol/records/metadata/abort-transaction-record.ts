/** AbortTransactionRecord: metadata record type 25. */
import { message, string } from '../../schema.js'

export const abortTransactionRecord = message({
  name: 'AbortTransactionRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    reason: string({ absent: null, nullable: 0, tag: 0 })
  }
})
