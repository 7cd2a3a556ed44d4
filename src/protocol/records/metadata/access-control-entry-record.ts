/** AccessControlEntryRecord: metadata record type 18. */
import { int8, message, string, uuid } from '../../schema.js'

export const accessControlEntryRecord = message({
  name: 'AccessControlEntryRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8()
  }
})
