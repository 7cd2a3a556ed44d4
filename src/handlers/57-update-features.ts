/**
 * UpdateFeatures: raises and lowers the finalised levels of features (KIP-584).
 *
 * Version notes: v1 the kind of a downgrade in place of whether it is allowed; may only validate (KIP-778). v2 no results of single features.
 */
import { UpgradeType } from '../metadata/admin-client.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { updateFeatures } from '../protocol/messages/57-update-features.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_TYPES = 1

export const updateFeaturesHandler = handler({
  api: updateFeatures,
  minVersion: 0,
  maxVersion: 2,
  async handle({ featureUpdates, validateOnly }, { apiVersion }, { controller }) {
    const updates = featureUpdates.map(({ feature, maxVersionLevel, upgradeType, allowDowngrade }) => {
      const before = allowDowngrade ? UpgradeType.safeDowngrade : UpgradeType.upgrade
      return { feature, maxVersionLevel, upgradeType: apiVersion >= FIRST_VERSION_WITH_TYPES ? upgradeType : before }
    })
    const { errorCode, errorMessage } = await controller.admin.updateFeatures(updates, validateOnly)
    const results = updates.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: null }))
    return { errorCode, errorMessage, results: errorCode === ErrorCode.NONE ? results : [] }
  },
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, results: [] })
})
