/** NoOpRecord: metadata record type 20. */
import { message } from '../../schema.js'

export const noOpRecord = message({
  name: 'NoOpRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {}
})
