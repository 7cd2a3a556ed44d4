/** AlterClientQuotas. */
import { isIP } from 'node:net'
import { ErrorCode } from '../../protocol/error-codes.js'
import type { AlteredQuota, QuotaAlteration } from '../admin-client.js'
import { quotaEntityKey, quotaEntityParts } from '../client-quota-image.js'
import type { ControllerError } from '../controller-client.js'
import { RecordType, type MetadataRecord } from '../records.js'
import { failed } from './placement.js'
import { repeated, type ControllerState, type Step } from './step.js'

type Parts = ReadonlyMap<string, string | null>
type Kind = 'double' | 'int' | 'long'

/** Quotas of users and clients, and the type of their values. */
const CLIENT_QUOTAS: ReadonlyMap<string, Kind> = new Map([
  ['producer_byte_rate', 'long'],
  ['consumer_byte_rate', 'long'],
  ['request_percentage', 'double'],
  ['controller_mutation_rate', 'double']
])
const IP_QUOTAS: ReadonlyMap<string, Kind> = new Map([['connection_creation_rate', 'int']])
const CLIENT_TYPES: ReadonlySet<string> = new Set(['user', 'client-id'])
const IP = 'ip'
const INT_MAX = 2 ** 31 - 1
const LONG_MAX = 2 ** 63
/** Values come as doubles; as near to a whole number as this they count as whole. */
const EPSILON = 1e-6
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$/

/** One result for each entity; one that is named twice, in this request or in its own quotas, counts once, as a mistake. */
export function alterClientQuotas(
  { image }: ControllerState,
  entries: readonly QuotaAlteration[],
  validateOnly: boolean
): Step<readonly AlteredQuota[]> {
  const named = entries.map(({ entity, ops }) => {
    const parts = quotaEntityParts(entity)
    return { parts, ops, id: quotaEntityKey(parts) }
  })
  const twice = repeated(named, ({ id }) => id)
  const answered = new Set<string>()
  const records: MetadataRecord[] = []
  const response: AlteredQuota[] = []
  for (const { parts, ops, id } of named) {
    if (answered.has(id)) continue
    answered.add(id)
    const entity = [...parts].map(([entityType, entityName]) => ({ entityType, entityName }))
    const duplicate = twice.has(id) || repeated(ops, ({ key }) => key).size > 0
    const problem = duplicate ? invalid('A quota entity and each of its quotas may be given once only') : check(parts, ops)
    if (problem) {
      response.push({ entity, ...problem })
      continue
    }
    const limits = image.clientQuotas.of(parts)?.limits
    for (const { key, value, remove } of ops) {
      if (remove ? limits?.has(key) !== true : limits?.get(key) === value) continue
      records.push({ type: RecordType.clientQuota, version: 0, data: { entity, key, value: remove ? 0 : value, remove } })
    }
    response.push({ entity, errorCode: ErrorCode.NONE, errorMessage: null })
  }
  return { records: validateOnly ? [] : records, response }
}

function invalid(message: string): ControllerError {
  return failed(ErrorCode.INVALID_REQUEST, message)
}

function check(parts: Parts, ops: QuotaAlteration['ops']): ControllerError | undefined {
  const problem = entityProblem(parts)
  if (problem !== undefined) return invalid(problem)
  const kinds = parts.has(IP) ? IP_QUOTAS : CLIENT_QUOTAS
  for (const { key, value, remove } of ops) {
    const wrong = remove ? undefined : valueProblem(kinds.get(key), key, value)
    if (wrong !== undefined) return invalid(wrong)
  }
  return undefined
}

function entityProblem(parts: Parts): string | undefined {
  if (parts.size === 0) return 'Invalid empty client quota entity'
  for (const [type, name] of parts) {
    if (type !== IP && !CLIENT_TYPES.has(type)) return `Unhandled client quota entity type: ${type}`
    if (name === '') return `Empty ${type} not supported`
  }
  if (!parts.has(IP)) return undefined
  if (parts.size > 1) return 'Invalid quota entity combination: ip can not be combined with user or client-id'
  const address = parts.get(IP)!
  // Kafka looks names up here; a connection is counted by its address, so that a quota for a name never applies.
  return address === null || isIP(address) !== 0 || HOST_NAME.test(address) ? undefined : `${address} is not a valid IP or resolvable host.`
}

function valueProblem(kind: Kind | undefined, key: string, value: number): string | undefined {
  if (kind === undefined) return `Invalid configuration key ${key}`
  if (!(value > 0)) return `Quota ${key} must be greater than 0`
  if (kind === 'double') return undefined
  if (value > (kind === 'int' ? INT_MAX : LONG_MAX))
    return `Proposed value for ${key} is too large for ${kind === 'int' ? 'an INT' : 'a LONG'}.`
  return Math.abs(value - Math.round(value)) > EPSILON ? `${key} cannot be a fractional value.` : undefined
}
