/** ZkMigrationStateRecord: metadata record type 21. */
import { int8, message } from '../../schema.js'

export const zkMigrationStateRecord = message({
  name: 'ZkMigrationStateRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    zkMigrationState: int8()
  }
})
