/** FeatureLevelRecord: metadata record type 12. */
import { int16, message, string } from '../../schema.js'

export const featureLevelRecord = message({
  name: 'FeatureLevelRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    name: string(),
    featureLevel: int16()
  }
})
