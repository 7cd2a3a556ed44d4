/** BeginTransactionRecord: metadata record type 23. */
import { message, string } from '../../schema.js'

export const beginTransactionRecord = message({
  name: 'BeginTransactionRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    name: string({ absent: null, nullable: 0, tag: 0 })
  }
})
