/** RemoveAccessControlEntryRecord: metadata record type 19. */
import { message, uuid } from '../../schema.js'

export const removeAccessControlEntryRecord = message({
  name: 'RemoveAccessControlEntryRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    id: uuid()
  }
})
