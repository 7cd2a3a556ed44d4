/** ClientQuotaRecord: metadata record type 14. */
import { array, bool, float64, message, string, struct } from '../../schema.js'

export const clientQuotaRecord = message({
  name: 'ClientQuotaRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    entity: array(
      struct({
        entityType: string(),
        entityName: string({ nullable: 0 })
      })
    ),
    key: string(),
    value: float64(),
    remove: bool()
  }
})
