/** Settings, quotas, features and what security would need. */
import { describeAcls } from '../../src/protocol/messages/29-describe-acls.js'
import { createAcls } from '../../src/protocol/messages/30-create-acls.js'
import { deleteAcls } from '../../src/protocol/messages/31-delete-acls.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { describeClientQuotas } from '../../src/protocol/messages/48-describe-client-quotas.js'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.js'
import { describeUserScramCredentials } from '../../src/protocol/messages/50-describe-user-scram-credentials.js'
import { alterUserScramCredentials } from '../../src/protocol/messages/51-alter-user-scram-credentials.js'
import { updateFeatures } from '../../src/protocol/messages/57-update-features.js'
import { listConfigResources } from '../../src/protocol/messages/74-list-config-resources.js'
import { all, anyResource, some, type Ref } from './admin-chances.js'
import type { AdminState } from './admin-side.js'
import type { Choice, KindOf } from './rounds.js'

interface QuotaPart {
  readonly entityType: string
  readonly name: Ref<string | null>
}

function anyEntity(choice: Choice): QuotaPart {
  const entityType = choice.of('user', 'user', 'client-id', 'client-id', 'ip', 'group', '')
  const address = choice.of<Ref<string | null>>(
    () => '127.1.2.3',
    () => 'not an address',
    () => null
  )
  const name = choice.of<Ref<string | null>>(
    ({ round }) => `name-${round}`,
    ({ round }) => `name-${round}`,
    () => null,
    () => ''
  )
  return { entityType, name: entityType === 'ip' ? address : name }
}
const entityOf =
  (parts: readonly QuotaPart[]): Ref<object[]> =>
  (state) =>
    parts.map(({ entityType, name }) => ({ entityType, entityName: name(state) }))
const anyQuota = (choice: Choice): object => ({
  key: choice.of(
    'producer_byte_rate',
    'producer_byte_rate',
    'consumer_byte_rate',
    'request_percentage',
    'controller_mutation_rate',
    'connection_creation_rate',
    'no_such_rate',
    ''
  ),
  value: choice.of(1e9, 1e9, 1e8, 0, -1, 1e9 + 0.5, 1e19, Number.NaN, Number.POSITIVE_INFINITY),
  remove: choice.of(false, false, true)
})

const anyAcl = (choice: Choice): object => ({
  resourceType: choice.of(2, 3),
  resourceName: choice.of('x', '*'),
  resourcePatternType: choice.of(3, 4, 1),
  principal: choice.of('User:x', 'x'),
  host: '*',
  operation: choice.of(3, 2, 1),
  permissionType: choice.of(3, 2, 1)
})
const anyAclFilter = (choice: Choice): object => ({
  resourceTypeFilter: choice.of(1, 2),
  resourceNameFilter: choice.of(null, 'x'),
  patternTypeFilter: choice.of(1, 2, 3),
  principalFilter: choice.of(null, 'User:x'),
  hostFilter: null,
  operation: choice.of(1, 3),
  permissionType: choice.of(1, 3)
})

export const configKinds: readonly KindOf<AdminState>[] = [
  {
    api: describeConfigs,
    body: (choice) => {
      const resources = some(choice, (): Ref<object> => {
        const { resourceType, name, pairs } = anyResource(choice)
        const keys = [choice.of(...pairs).name, choice.of(...pairs).name]
        // Of all settings of a broker each has some that the other has not.
        const configurationKeys = resourceType === 4 || resourceType === 8 ? keys : choice.of(null, [], keys, keys)
        return (state) => ({ resourceType, resourceName: name(state), configurationKeys })
      })
      const [includeSynonyms, includeDocumentation] = [choice.of(true, false), choice.of(true, false)]
      return (state) => ({ resources: all(resources)(state), includeSynonyms, includeDocumentation })
    }
  },
  {
    api: alterConfigs,
    body: (choice) => {
      // Apache Kafka does not answer where a resource is named twice.
      const resources = choice.of([0], [0], [0], []).map((): Ref<object> => {
        const { resourceType, name, pairs } = anyResource(choice)
        const configs = some(choice, () => choice.of(...pairs))
        return (state) => ({ resourceType, resourceName: name(state), configs })
      })
      const validateOnly = choice.of(true, false)
      return (state) => ({ resources: all(resources)(state), validateOnly })
    }
  },
  ...Array.from({ length: 4 }, () => ({
    api: incrementalAlterConfigs,
    body: (choice: Choice) => {
      const resources = some(choice, (): Ref<object> => {
        const { resourceType, name, pairs } = anyResource(choice)
        const configs = some(choice, () => ({ ...choice.of(...pairs), configOperation: choice.of(0, 0, 0, 0, 1, 2, 3) }))
        return (state) => ({ resourceType, resourceName: name(state), configs })
      })
      const validateOnly = choice.of(true, false)
      return (state: AdminState) => ({ resources: all(resources)(state), validateOnly })
    }
  })),
  {
    api: alterClientQuotas,
    body: (choice) => {
      // An entity that is named twice Apache Kafka refuses, and changes nevertheless.
      const entries = choice.of([0], [0], [0], []).map((): Ref<object> => {
        const [entity, ops] = [entityOf(some(choice, () => anyEntity(choice))), some(choice, () => anyQuota(choice))]
        return (state) => ({ entity: entity(state), ops })
      })
      const validateOnly = choice.of(true, false)
      return (state) => ({ entries: all(entries)(state), validateOnly })
    }
  },
  {
    api: describeClientQuotas,
    body: (choice) => {
      const components = some(choice, (): Ref<object> => {
        const [{ entityType, name }, matchType] = [anyEntity(choice), choice.of(0, 1, 2, 3, -1)]
        const fitting = choice.of(true, true, false)
        return (state) => ({ entityType, matchType, match: fitting === (matchType === 0) ? name(state) : null })
      })
      const strict = choice.of(true, false)
      return (state) => ({ components: all(components)(state), strict })
    }
  },
  {
    api: updateFeatures,
    body: (choice, version) => {
      const feature = choice.of(
        'group.version',
        'transaction.version',
        'metadata.version',
        'kraft.version',
        'eligible.leader.replicas.version',
        'share.version',
        'streams.version',
        'no.such',
        ''
      )
      const level = choice.of(0, 1, 2, 7, 27, 30, 100, -1)
      // Before it could be only tried, nothing may be asked that would be done.
      const maxVersionLevel = version === 0 ? -1 : level
      const one = { feature, maxVersionLevel, allowDowngrade: choice.of(true, false), upgradeType: choice.of(0, 1, 2, 3, 4) }
      const featureUpdates = choice.of([], [one], [one], [one], [one, one])
      return () => ({ timeoutMs: 10_000, featureUpdates, validateOnly: true })
    }
  },
  {
    api: listConfigResources,
    body: (choice) => {
      const resourceTypes = choice.of([], [2], [4], [8], [16], [32], [0], [99], [2, 2], [-1], [16, 99])
      return () => ({ resourceTypes })
    }
  },
  {
    api: describeAcls,
    body: (choice) =>
      (
        (filter) => () =>
          filter
      )(anyAclFilter(choice))
  },
  { api: createAcls, body: (choice) => ((creations) => () => ({ creations }))(some(choice, () => anyAcl(choice))) },
  { api: deleteAcls, body: (choice) => ((filters) => () => ({ filters }))(some(choice, () => anyAclFilter(choice))) },
  {
    api: describeUserScramCredentials,
    body: (choice) => {
      const users = choice.of(
        null,
        some(choice, () => ({ name: choice.of('nobody', '') }))
      )
      return () => ({ users })
    }
  },
  {
    api: alterUserScramCredentials,
    body: (choice) => {
      const name = choice.of('nobody', '')
      const deletions = some(choice, () => ({ name, mechanism: choice.of(1, 2, 0, 3) }))
      const iterations = choice.of(4095, 16_385, -1)
      const bytes = Buffer.from('x')
      const upsertions = some(choice, () => ({ name, mechanism: choice.of(1, 2, 0, 3), iterations, salt: bytes, saltedPassword: bytes }))
      return () => ({ deletions, upsertions })
    }
  }
]
