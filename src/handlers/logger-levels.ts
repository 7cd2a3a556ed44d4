/** BROKER_LOGGER in IncrementalAlterConfigs: levels of the loggers of this process, for as long as it lives (KIP-412). */
import type { BrokerServices } from '../broker/services.js'
import { LEVEL_NAMES, ROOT, type LevelName } from '../loggers.js'
import { ConfigOperation, type AlteredResource, type IncrementalChanges } from '../metadata/controller-client.js'
import { repeated } from '../metadata/controller/step.js'
import { ErrorCode } from '../protocol/error-codes.js'

type Change = IncrementalChanges['configs'][number]
type Problem = readonly [errorCode: number, errorMessage: string]

/** Why `name` does not name this node; undefined: it does. */
export function ownIdProblem(name: string, nodeId: number): string | undefined {
  if (name === '') return 'Broker id must not be empty'
  if (!/^\d{1,10}$/.test(name)) return `Broker id must be an integer, but it is: ${name}`
  return Number(name) === nodeId ? undefined : `Unexpected broker id, expected ${nodeId} but received ${name}`
}

/** All of a request's changes, or none. */
export function setLevels(
  resource: IncrementalChanges,
  broker: BrokerServices,
  isRepeated: boolean,
  validateOnly: boolean
): AlteredResource {
  const { resourceType, resourceName, configs } = resource
  const [errorCode, errorMessage] = levelsProblem(resource, broker, isRepeated) ?? [ErrorCode.NONE, null]
  if (errorCode === ErrorCode.NONE && !validateOnly) {
    for (const { name, configOperation, value } of configs) {
      broker.loggers.set(name, configOperation === ConfigOperation.set ? (value as LevelName) : undefined)
    }
  }
  return { resourceType, resourceName, errorCode, errorMessage }
}

function levelsProblem({ resourceName, configs }: IncrementalChanges, broker: BrokerServices, isRepeated: boolean): Problem | undefined {
  const wrongId = ownIdProblem(resourceName, broker.nodeId)
  if (wrongId !== undefined) return [ErrorCode.INVALID_REQUEST, wrongId]
  if (isRepeated) return [ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once']
  if (repeated(configs, ({ name }) => name).size > 0) return [ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys']
  for (const change of configs) {
    const problem = changeProblem(change, broker)
    if (problem) return problem
  }
  return undefined
}

function changeProblem({ name, configOperation, value }: Change, { loggers }: BrokerServices): Problem | undefined {
  switch (configOperation) {
    case ConfigOperation.set:
      if (!loggers.has(name)) return missing(name)
      if ((LEVEL_NAMES as readonly (string | null)[]).includes(value)) return undefined
      return [
        ErrorCode.INVALID_CONFIG,
        `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${LEVEL_NAMES.join(', ')}`
      ]
    case ConfigOperation.delete:
      if (name === ROOT) return [ErrorCode.INVALID_REQUEST, 'Removing the log level of the root logger is not allowed']
      return loggers.has(name) ? undefined : missing(name)
    case ConfigOperation.append:
    case ConfigOperation.subtract: {
      const verb = configOperation === ConfigOperation.append ? 'APPEND' : 'SUBTRACT'
      return [ErrorCode.INVALID_REQUEST, `${verb} operation is not allowed for the BROKER_LOGGER resource`]
    }
    default:
      return [ErrorCode.INVALID_REQUEST, `Unknown operation ${configOperation} on ${name}`]
  }
}

function missing(name: string): Problem {
  return [ErrorCode.INVALID_CONFIG, `Logger ${name} does not exist!`]
}
