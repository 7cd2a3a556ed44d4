/**
 * UpdateFeatures (API 57): Raises or lowers the finalized level of features (KIP-584).
 *
 * Version notes (+ field added, - field removed):
 * v1: safe and unsafe downgrades; a dry run (KIP-778); request + featureUpdates.upgradeType, validateOnly; request -
 *   featureUpdates.allowDowngrade
 * v2: one error for all, no results for each feature; response - results
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct } from '../schema.js'

export const updateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  stable: [0, 2],
  request: message({
    name: 'UpdateFeaturesRequest',
    versions: [0, 2],
    flexible: 0,
    fields: {
      timeoutMs: int32({ absent: 60000 }),
      featureUpdates: array(
        struct({
          feature: string(),
          maxVersionLevel: int16(),
          allowDowngrade: bool({ until: 0 }),
          upgradeType: int8({ since: 1, absent: 1 })
        })
      ),
      validateOnly: bool({ since: 1, absent: false })
    }
  }),
  response: message({
    name: 'UpdateFeaturesResponse',
    versions: [0, 2],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      results: array(
        struct({
          feature: string(),
          errorCode: int16(),
          errorMessage: string({ nullable: 0 })
        }),
        { until: 1, ignorable: true }
      )
    }
  })
})
