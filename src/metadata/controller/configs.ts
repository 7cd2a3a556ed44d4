/** IncrementalAlterConfigs and AlterConfigs: settings of topics and, where they may change at run time, of brokers. */
import { checkBrokerValue, type BrokerConfig } from '../../config/broker-config.js'
import { checkChange } from '../../config/broker-rules.js'
import { brokerSetting, topicSetting } from '../../config/settings/index.js'
import type { Setting } from '../../config/setting.js'
import { checkTopicOverrides } from '../../config/topic-config.js'
import { ConfigError } from '../../errors.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import { ResourceType } from '../config-image.js'
import {
  ConfigOperation,
  type AlteredResource,
  type ConfigResource,
  type ControllerError,
  type IncrementalChanges,
  type WholeConfig
} from '../controller-client.js'
import { ELR_VERSION } from '../features.js'
import { RecordType, type ConfigRecord, type MetadataRecord } from '../records.js'
import { topicNameProblem } from '../../protocol/topic-name.js'
import { checkResource } from './resource-configs.js'
import { failed } from './placement.js'
import { repeated, type ControllerState, type Step } from './step.js'

/** Kafka stores a value with a 16-bit length. */
const MAX_VALUE_BYTES = 32_767
const MIN_ISR = 'min.insync.replicas'
const ALTERED_TYPES: ReadonlySet<number> = new Set([
  ResourceType.topic,
  ResourceType.broker,
  ResourceType.clientMetrics,
  ResourceType.group
])

type Values = ReadonlyMap<string, string>
type Wanted = Map<string, string | null>

export function configRecord(resourceType: number, resourceName: string, name: string, value: string | null): ConfigRecord {
  return { type: RecordType.config, version: 0, data: { resourceType, resourceName, name, value } }
}

/** The overrides of a topic in their canonical form, or what is wrong with them. */
export function checkedTopicConfig(
  config: BrokerConfig,
  wanted: ReadonlyMap<string, string | null>
): Map<string, string> | ControllerError {
  for (const [name, value] of wanted) {
    if (value !== null && Buffer.byteLength(value) > MAX_VALUE_BYTES) return tooLong(name)
  }
  try {
    return checkTopicOverrides(config, wanted)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return failed(ErrorCode.INVALID_CONFIG, error.message)
  }
}

export function incrementalAlterConfigs(
  state: ControllerState,
  resources: readonly IncrementalChanges[],
  validateOnly: boolean
): Step<readonly AlteredResource[]> {
  return alter(state, resources, validateOnly, (resource, current) => applyOperations(resource, current))
}

export function alterConfigs(
  state: ControllerState,
  resources: readonly WholeConfig[],
  validateOnly: boolean
): Step<readonly AlteredResource[]> {
  return alter(state, resources, validateOnly, (resource, current) => {
    const wanted: Wanted = new Map([...current.keys()].map((name) => [name, null]))
    for (const { name, value } of resource.configs) {
      if (value === null) return failed(ErrorCode.INVALID_CONFIG, `Null value not supported for: ${name}`)
      wanted.set(name, value)
    }
    return wanted
  })
}

/** `change` gives the new value of each named setting, null to remove it. A resource succeeds or fails as a whole. */
function alter<R extends ConfigResource & { readonly configs: readonly { readonly name: string }[] }>(
  state: ControllerState,
  resources: readonly R[],
  validateOnly: boolean,
  change: (resource: R, current: Values) => Wanted | ControllerError
): Step<readonly AlteredResource[]> {
  const key = ({ resourceType, resourceName }: R): string => `${resourceType} ${resourceName}`
  const twice = repeated(resources, key)
  const records: MetadataRecord[] = []
  const response: AlteredResource[] = []
  for (const resource of resources) {
    const { resourceType, resourceName } = resource
    const problem = twice.has(key(resource))
      ? failed(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once')
      : repeated(resource.configs, ({ name }) => name).size > 0
        ? failed(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys')
        : earlyProblem(state, resource)
    const altered = problem ?? alterOne(state, resource, change)
    if ('errorCode' in altered) {
      response.push({ resourceType, resourceName, ...altered })
      continue
    }
    records.push(...altered)
    response.push({ resourceType, resourceName, errorCode: ErrorCode.NONE, errorMessage: null })
  }
  return { records: validateOnly ? [] : records, response }
}

function alterOne<R extends ConfigResource>(
  state: ControllerState,
  resource: R,
  change: (resource: R, current: Values) => Wanted | ControllerError
): readonly MetadataRecord[] | ControllerError {
  const { resourceType, resourceName } = resource
  const current = state.image.configs.of(resourceType, resourceName)
  const wanted = change(resource, current)
  if ('errorCode' in wanted) return wanted
  const problem = nameProblem(resource)
  if (problem) return problem
  for (const [name, value] of wanted) if (value !== null && Buffer.byteLength(value) > MAX_VALUE_BYTES) return tooLong(name)
  const elr = state.image.features.level(ELR_VERSION) > 0
  const checked =
    resourceType === ResourceType.topic
      ? checkTopic(state.config, current, wanted)
      : resourceType === ResourceType.broker
        ? checkBroker(state, resourceName, current, wanted, elr)
        : checkResource(state.config, resourceType, current, wanted)
  if ('errorCode' in checked) return checked
  if (resourceType === ResourceType.topic && !state.image.topicByName(resourceName)) {
    return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist`)
  }
  const records: MetadataRecord[] = []
  for (const [name, value] of checked) {
    if ((current.get(name) ?? null) === value) continue
    records.push(configRecord(resourceType, resourceName, name, value))
    // KIP-966: which replicas are eligible was decided under the old minimum.
    if (elr && name === MIN_ISR) records.push({ type: RecordType.clearElr, version: 0, data: { topicName: clearedTopic(resource) } })
  }
  return records
}

// '' clears the eligible leader replicas of all topics.
function clearedTopic({ resourceType, resourceName }: ConfigResource): string {
  return resourceType === ResourceType.topic ? resourceName : ''
}

/** What is looked at before the changes are. A broker changes what holds for all, and for itself. */
function earlyProblem({ config }: ControllerState, { resourceType, resourceName }: ConfigResource): ControllerError | undefined {
  if (!ALTERED_TYPES.has(resourceType)) return failed(ErrorCode.INVALID_REQUEST, `Unknown resource type ${resourceType}`)
  if (resourceType !== ResourceType.broker || resourceName === '') return undefined
  if (!/^[+-]?\d{1,10}$/.test(resourceName))
    return failed(ErrorCode.INVALID_REQUEST, `Broker id must be a whole number, but it is '${resourceName}'`)
  const ownId = config.get('node.id')
  if (Number(resourceName) === ownId) return undefined
  return failed(ErrorCode.INVALID_REQUEST, `Unexpected broker id, expected ${ownId}, but received ${resourceName}`)
}

function nameProblem({ resourceType, resourceName }: ConfigResource): ControllerError | undefined {
  switch (resourceType) {
    case ResourceType.topic: {
      if (resourceName === '') return failed(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.')
      const invalid = topicNameProblem(resourceName)
      return invalid === undefined ? undefined : failed(ErrorCode.INVALID_TOPIC_EXCEPTION, invalid)
    }
    case ResourceType.group:
      return resourceName === '' ? failed(ErrorCode.INVALID_REQUEST, 'Default group resources are not allowed.') : undefined
    case ResourceType.clientMetrics:
      return resourceName === '' ? failed(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty") : undefined
    default:
      return undefined
  }
}

function checkTopic(config: BrokerConfig, current: Values, wanted: Wanted): Wanted | ControllerError {
  const result = new Map<string, string | null>(current)
  for (const [name, value] of wanted) {
    if (value === null) result.delete(name)
    else result.set(name, value)
  }
  // What an older version left behind, and is not touched now, is no reason to refuse the rest.
  for (const name of result.keys()) if (!wanted.has(name) && !topicSetting(name)) result.delete(name)
  const checked = checkedTopicConfig(config, result)
  if ('errorCode' in checked) return checked
  return new Map([...wanted].map(([name, value]) => [name, value === null ? null : checked.get(name)!]))
}

function checkBroker(state: ControllerState, broker: string, current: Values, wanted: Wanted, elr: boolean): Wanted | ControllerError {
  const checked = checkedBrokerValues(state, broker, current, wanted)
  if ('errorCode' in checked || !elr || !wanted.has(MIN_ISR)) return checked
  if (broker === '' && wanted.get(MIN_ISR) !== null) return checked
  return failed(
    ErrorCode.INVALID_CONFIG,
    `${MIN_ISR} is a setting of the cluster: it can not be ${broker === '' ? 'removed' : 'changed for one broker'}`
  )
}

function checkedBrokerValues(state: ControllerState, broker: string, current: Values, wanted: Wanted): Wanted | ControllerError {
  const checked: Wanted = new Map()
  for (const [name, value] of wanted) {
    try {
      checked.set(name, value === null ? null : checkBrokerValue(name, value, broker === '' ? 'cluster' : 'broker').text)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return failed(ErrorCode.INVALID_REQUEST, error.message)
    }
  }
  return checkTogether(state, broker, current, checked) ?? checked
}

/** Whether the settings that this broker would have fit each other, and what it can do while it runs. */
function checkTogether({ image, config }: ControllerState, broker: string, current: Values, changes: Wanted): ControllerError | undefined {
  const ownId = config.get('node.id')
  if (broker !== '' && Number(broker) !== ownId) return undefined
  const next = new Map(current)
  for (const [name, value] of changes) {
    if (value === null) next.delete(name)
    else next.set(name, value)
  }
  const forAll = broker === '' ? next : image.brokerOverrides('')
  const own = broker === '' ? image.brokerOverrides(ownId) : next
  try {
    checkChange(config, config.withDynamic(forAll, own))
    return undefined
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return failed(ErrorCode.INVALID_REQUEST, error.message)
  }
}

function applyOperations({ resourceType, configs }: IncrementalChanges, current: Values): Wanted | ControllerError {
  const wanted: Wanted = new Map()
  for (const { name, configOperation, value } of configs) {
    if (configOperation === ConfigOperation.delete) {
      wanted.set(name, null)
      continue
    }
    if (value === null) return failed(ErrorCode.INVALID_REQUEST, `Null value not supported for: ${name}`)
    switch (configOperation) {
      case ConfigOperation.set:
        wanted.set(name, value)
        break
      case ConfigOperation.append:
      case ConfigOperation.subtract: {
        const setting = settingOf(resourceType, name)
        if (setting?.type !== 'list') {
          const verb = configOperation === ConfigOperation.append ? 'append to' : 'subtract from'
          return failed(ErrorCode.INVALID_CONFIG, `Can't ${verb} ${name}: its type is not LIST`)
        }
        wanted.set(name, changedList(current.get(name) ?? setting.default ?? '', value, configOperation === ConfigOperation.append))
        break
      }
      default:
        return failed(ErrorCode.INVALID_REQUEST, `Unknown operation ${configOperation} on ${name}`)
    }
  }
  return wanted
}

// Subscriptions have lists, but none that could be appended to, as in Kafka.
function settingOf(resourceType: number, name: string): Setting | undefined {
  if (resourceType === ResourceType.topic) return topicSetting(name)
  return resourceType === ResourceType.broker ? brokerSetting(name) : undefined
}

function changedList(before: string, items: string, append: boolean): string {
  const split = (text: string): string[] =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  const named = split(items)
  const kept = split(before)
  if (!append) return kept.filter((item) => !named.includes(item)).join(',')
  return [...kept, ...named.filter((item) => !kept.includes(item))].join(',')
}

function tooLong(name: string): ControllerError {
  return failed(ErrorCode.INVALID_CONFIG, `The value of ${name} is longer than ${MAX_VALUE_BYTES} bytes`)
}
