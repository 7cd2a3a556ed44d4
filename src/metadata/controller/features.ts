/** UpdateFeatures (KIP-584, KIP-778): raises and lowers the levels of features, all of a request or none. */
import { ErrorCode } from '../../protocol/error-codes.js'
import { UpgradeType, type FeatureUpdate } from '../admin-client.js'
import { ResourceType } from '../config-image.js'
import type { ControllerError } from '../controller-client.js'
import { changesMetadata, ELR_VERSION, METADATA_VERSION, SUPPORTED_FEATURES } from '../features.js'
import type { MetadataImage } from '../image.js'
import { RecordType, type MetadataRecord } from '../records.js'
import { configRecord } from './configs.js'
import { failed } from './placement.js'
import type { ControllerState, Step } from './step.js'

/** Is not in the metadata log: with one node there is no quorum whose voters could change. */
const KRAFT_VERSION = 'kraft.version'
const MIN_ISR = 'min.insync.replicas'
const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(UpgradeType))

export function updateFeatures(
  state: ControllerState,
  nodeId: number,
  updates: readonly FeatureUpdate[],
  validateOnly: boolean
): Step<ControllerError> {
  const records: MetadataRecord[] = []
  for (const update of updates) {
    const problem = featureProblem(state.image, nodeId, update)
    if (problem !== undefined) {
      const message = `The update failed for all features since the following feature had an error: ${problem}`
      return { records: [], response: failed(ErrorCode.INVALID_UPDATE_VERSION, message) }
    }
    records.push(...featureRecords(state, update))
  }
  return { records: validateOnly ? [] : records, response: { errorCode: ErrorCode.NONE, errorMessage: null } }
}

function featureProblem(
  image: MetadataImage,
  nodeId: number,
  { feature, maxVersionLevel: level, upgradeType }: FeatureUpdate
): string | undefined {
  const wrong = (why: string): string => `Invalid update version ${level} for feature ${feature}. ${why}`
  const supported = SUPPORTED_FEATURES.find(({ name }) => name === feature)
  if (!supported) return wrong(`Local controller ${nodeId} does not support this feature.`)
  if (!KNOWN_TYPES.has(upgradeType)) return wrong('The controller does not support the given upgrade type.')
  if (level < 0) return wrong('A feature version cannot be less than 0.')
  const { minSupportedVersion: min, maxSupportedVersion: max } = supported
  // Level 0 switches a feature off.
  if (level > max || (level < min && (level !== 0 || feature === METADATA_VERSION))) {
    return wrong(`Local controller ${nodeId} only supports versions ${min}-${max}`)
  }
  const current = image.features.level(feature)
  if (level < current && upgradeType === UpgradeType.upgrade) {
    return wrong("Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.")
  }
  if (level > current && upgradeType !== UpgradeType.upgrade) return wrong("Can't downgrade to a newer version.")
  if (feature === KRAFT_VERSION && level !== current) return wrong('The quorum of one node keeps its version.')
  return feature === METADATA_VERSION ? metadataVersionProblem(current, level, upgradeType) : undefined
}

function metadataVersionProblem(current: number, level: number, upgradeType: number): string | undefined {
  if (level >= current) return undefined
  const what = `Unsupported metadata.version downgrade from ${current} to ${level}.`
  if (!changesMetadata(level, current)) return undefined
  return upgradeType === UpgradeType.safeDowngrade
    ? `${what} Refusing to perform the requested downgrade because it might delete metadata information.`
    : `${what} Unsafe metadata downgrade is not supported in this version.`
}

function featureRecords({ image, config }: ControllerState, { feature, maxVersionLevel: featureLevel }: FeatureUpdate): MetadataRecord[] {
  if (feature === KRAFT_VERSION || image.features.level(feature) === featureLevel) return []
  const records: MetadataRecord[] = [{ type: RecordType.featureLevel, version: 0, data: { name: feature, featureLevel } }]
  if (feature !== ELR_VERSION || featureLevel === 0) return records
  // KIP-966: with eligible leader replicas the minimum is one of the cluster. What brokers set for themselves goes.
  for (const { id } of image.brokers()) {
    if (image.brokerOverrides(id).has(MIN_ISR)) records.push(configRecord(ResourceType.broker, String(id), MIN_ISR, null))
  }
  if (!image.brokerOverrides('').has(MIN_ISR)) records.push(configRecord(ResourceType.broker, '', MIN_ISR, config.text(MIN_ISR)))
  return records
}
