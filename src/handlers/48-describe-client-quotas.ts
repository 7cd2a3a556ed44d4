/**
 * DescribeClientQuotas: the quotas of users, clients and addresses that match a filter (KIP-546).
 *
 * Version notes: v1 flexible.
 */
import type { QuotaEntity } from '../metadata/client-quota-image.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeClientQuotas } from '../protocol/messages/48-describe-client-quotas.js'
import type { MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'

type Component = MessageOf<typeof describeClientQuotas.request>['components'][number]
/** What a part of an entity must be named; undefined: anything. */
type Filter = ReadonlyMap<string, string | null | undefined>
type Problem = { readonly errorCode: number; readonly errorMessage: string }

const MatchType = { exact: 0, default: 1, specified: 2 } as const
const KNOWN_TYPES: ReadonlySet<string> = new Set(['user', 'client-id', 'ip'])

export const describeClientQuotasHandler = handler({
  api: describeClientQuotas,
  minVersion: 0,
  maxVersion: 1,
  handle({ components, strict }, _context, { metadata }) {
    const filter = filterOf(components)
    if ('errorCode' in filter) return { ...filter, entries: null }
    const entries = [...metadata.image.clientQuotas.all()]
      .filter((entity) => matches(entity, filter, strict))
      .map(({ parts, limits }) => ({
        entity: [...parts].map(([entityType, entityName]) => ({ entityType, entityName })),
        values: [...limits].map(([key, value]) => ({ key, value }))
      }))
    return { errorCode: ErrorCode.NONE, errorMessage: '', entries }
  },
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, entries: null })
})

function matches({ parts }: QuotaEntity, filter: Filter, strict: boolean): boolean {
  if (strict && parts.size !== filter.size) return false
  return [...filter].every(([type, name]) => parts.has(type) && (name === undefined || parts.get(type) === name))
}

function filterOf(components: readonly Component[]): Filter | Problem {
  const filter = new Map<string, string | null | undefined>()
  for (const component of components) {
    const problem = componentProblem(component, filter)
    if (problem) return problem
    const { entityType, matchType, match } = component
    filter.set(entityType, matchType === MatchType.specified ? undefined : match)
  }
  if (filter.has('ip') && filter.size > 1) return invalid('An IP filter component can not be combined with one of users or client ids.')
  return filter
}

function invalid(errorMessage: string): Problem {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}

function componentProblem({ entityType, matchType, match }: Component, filter: Filter): Problem | undefined {
  if (entityType === '') return invalid('Invalid empty entity type.')
  if (filter.has(entityType)) return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
  if (!KNOWN_TYPES.has(entityType))
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION, errorMessage: `Unsupported entity type ${entityType}` }
  switch (matchType) {
    case MatchType.exact:
      return match === null ? invalid('An exact match needs a name.') : undefined
    case MatchType.default:
    case MatchType.specified:
      return match === null ? undefined : invalid('Only an exact match takes a name.')
    default:
      return invalid(`Unknown match type ${matchType}`)
  }
}
