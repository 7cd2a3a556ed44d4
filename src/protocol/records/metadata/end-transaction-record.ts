/** EndTransactionRecord: metadata record type 24. */
import { message } from '../../schema.js'

export const endTransactionRecord = message({
  name: 'EndTransactionRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {}
})
