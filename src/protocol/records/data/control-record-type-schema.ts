/** ControlRecordTypeSchema. */
import { int16, message } from '../../schema.js'

export const controlRecordTypeSchema = message({
  name: 'ControlRecordTypeSchema',
  versions: [0, 0],
  fields: {
    type: int16()
  }
})
