/** ConfigRecord: metadata record type 4. */
import { int8, message, string } from '../../schema.js'

export const configRecord = message({
  name: 'ConfigRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string({ nullable: 0 })
  }
})
