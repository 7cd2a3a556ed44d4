/**
 * DescribeConfigs: the settings of topics, groups, client metrics subscriptions, this broker and its loggers with where their values come from, defaults included.
 *
 * Version notes: v1 source and synonyms. v3 type and documentation. v4 flexible.
 */
import assert from 'node:assert/strict'
import { ConfigSource, type ConfigEntry } from '../config/broker-config.js'
import { describeClientMetrics } from '../config/client-metrics-config.js'
import { describeGroupLevel } from '../config/group-level-config.js'
import { describeTopicConfig } from '../config/topic-config.js'
import type { BrokerServices } from '../broker/services.js'
import { ResourceType } from '../metadata/config-image.js'
import { topicNameProblem } from '../protocol/topic-name.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeConfigs } from '../protocol/messages/32-describe-configs.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'
import { ownIdProblem } from './logger-levels.js'

type Request = MessageOf<typeof describeConfigs.request>
type Resource = Request['resources'][number]
type Result = InputOf<typeof describeConfigs.response>['results'][number]

const UNKNOWN_TYPE = 0
/** Any other makes the whole request one that can't be understood. */
const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(ResourceType).filter((type) => type !== ResourceType.unknown))

/** What describes a resource, or why it can't be. */
type Described = readonly ConfigEntry[] | { readonly errorCode: number; readonly errorMessage: string }

export const describeConfigsHandler = handler({
  api: describeConfigs,
  minVersion: 1,
  maxVersion: 4,
  handle(request, _context, broker) {
    const unknown = request.resources.find(({ resourceType }) => !KNOWN_TYPES.has(resourceType))
    const problem = unknown && invalid(`There are no settings of resource type ${unknown.resourceType}`)
    return { results: request.resources.map((resource) => answer(request, resource, problem ?? describe(resource, broker))) }
  },
  failed: ({ resources }, errorCode) => ({
    results: resources.map(({ resourceType, resourceName }) => ({ errorCode, errorMessage: null, resourceType, resourceName, configs: [] }))
  })
})

function answer(request: Request, { resourceType, resourceName, configurationKeys }: Resource, described: Described): Result {
  if ('errorCode' in described) return { ...described, resourceType, resourceName, configs: [] }
  // An empty list of names asks for all, as null does.
  const names = configurationKeys === null || configurationKeys.length === 0 ? undefined : new Set(configurationKeys)
  const chosen = names ? described.filter(({ name }) => names.has(name)) : described
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    resourceType,
    resourceName,
    configs: chosen.map(({ name, value, readOnly, source, sensitive, synonyms, type, about }) => ({
      name,
      value,
      readOnly,
      configSource: source,
      isSensitive: sensitive,
      synonyms: request.includeSynonyms ? synonyms : [],
      configType: type,
      documentation: request.includeDocumentation ? about : null
    }))
  }
}

function describe({ resourceType, resourceName }: Resource, broker: BrokerServices): Described {
  if (resourceType === ResourceType.topic) return describeTopic(resourceName, broker)
  if (resourceType === ResourceType.broker) return describeBroker(resourceName, broker)
  const { config, metadata } = broker
  const overrides = metadata.image.configs.of(resourceType, resourceName)
  switch (resourceType) {
    case ResourceType.brokerLogger:
      return describeLoggers(resourceName, broker)
    case ResourceType.group:
      return resourceName === '' ? invalid('Group name must not be empty') : describeGroupLevel(config, overrides)
    case ResourceType.clientMetrics:
      return resourceName === '' ? invalid('Client metrics subscription name must not be empty') : describeClientMetrics(overrides)
    default:
      return assert.fail()
  }
}

function invalid(errorMessage: string): Described {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}

// The levels of this process: they are neither stored nor known to others.
function describeLoggers(name: string, { nodeId, loggers }: BrokerServices): Described {
  const problem = ownIdProblem(name, nodeId)
  if (problem !== undefined) return invalid(problem)
  return [...loggers.levels()].map(([logger, value]) => ({
    name: logger,
    value,
    source: ConfigSource.brokerLogger,
    readOnly: false,
    sensitive: false,
    type: UNKNOWN_TYPE,
    about: '',
    synonyms: []
  }))
}

function describeTopic(name: string, { metadata, config }: BrokerServices): Described {
  const invalid = topicNameProblem(name)
  if (invalid !== undefined) return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: invalid }
  if (!metadata.image.topicByName(name)) {
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `The topic '${name}' does not exist` }
  }
  return describeTopicConfig(config, metadata.image.topicOverrides(name))
}

// A broker knows its own settings only; with '' it is asked for what was set for all brokers.
function describeBroker(name: string, { nodeId, config, metadata }: BrokerServices): Described {
  if (name === '') {
    const forAll = [...metadata.image.brokerOverrides('').keys()]
      .map((setting) => config.describe(setting))
      .filter((entry) => entry !== undefined)
    return forAll.map(clusterEntry)
  }
  if (/^\d{1,10}$/.test(name) && Number(name) === nodeId) return config.describeAll()
  const errorMessage = `Unexpected broker id: expected ${nodeId} or an empty string, but received '${name}'`
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}

function clusterEntry(entry: ConfigEntry): ConfigEntry {
  const synonyms = entry.synonyms.filter(({ source }) => source === ConfigSource.dynamicDefaultBroker)
  return { ...entry, value: synonyms[0]?.value ?? null, source: ConfigSource.dynamicDefaultBroker, synonyms }
}
