/** What administrators have set: quotas, credentials, settings of groups and client metrics. Both brokers must find it as the other has left it. */
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { describeClientQuotas } from '../../src/protocol/messages/48-describe-client-quotas.js'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.js'
import { describeUserScramCredentials } from '../../src/protocol/messages/50-describe-user-scram-credentials.js'
import { alterUserScramCredentials } from '../../src/protocol/messages/51-alter-user-scram-credentials.js'
import { listConfigResources } from '../../src/protocol/messages/74-list-config-resources.js'
import type { RawClient } from '../support/raw-client.js'

const CLIENT_METRICS = 16
const GROUP = 32

type Op = readonly [key: string, value: number | null]

async function quota(client: RawClient, entity: Readonly<Record<string, string | null>>, ...ops: Op[]): Promise<void> {
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
  const changes = ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null }))
  const { entries } = await client.request(alterClientQuotas, 1, { entries: [{ entity: parts, ops: changes }], validateOnly: false })
  if (entries[0]!.errorCode !== 0) throw new Error(`quota of ${JSON.stringify(entity)}: error ${entries[0]!.errorCode}`)
}

/** Sets something of each kind in the name of `who`, and takes back a part of what `before` had set. */
export async function administer(client: RawClient, who: string, before?: string): Promise<void> {
  await quota(client, { user: who }, ['producer_byte_rate', 1e6], ['request_percentage', 12.5])
  await quota(client, { user: null, 'client-id': `${who}-client` }, ['consumer_byte_rate', 77])
  await quota(client, { ip: '192.0.2.1' }, ['connection_creation_rate', who.length])
  const set = (resourceType: number, resourceName: string, name: string, value: string) => ({
    resourceType,
    resourceName,
    configs: [{ name, configOperation: 0, value }]
  })
  const resources = [
    set(GROUP, `${who}-group`, 'consumer.session.timeout.ms', '50000'),
    set(CLIENT_METRICS, `${who}-metrics`, 'interval.ms', '60000')
  ]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  for (const { resourceName, errorCode } of responses) if (errorCode !== 0) throw new Error(`${resourceName}: error ${errorCode}`)
  const credential = { name: who, mechanism: 1, iterations: 8192, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }
  // None is deleted: Apache Kafka 4.3.1 itself forgets the other credentials of a mechanism when it starts on a log with a deletion.
  const { results } = await client.request(alterUserScramCredentials, 0, { deletions: [], upsertions: [credential] })
  for (const { user, errorCode } of results) if (errorCode !== 0) throw new Error(`${user}: error ${errorCode}`)
  if (before !== undefined) await quota(client, { user: before }, ['producer_byte_rate', null])
}

/** All that is set, in an order of its own. */
export async function administration(client: RawClient): Promise<string[]> {
  const { entries } = await client.request(describeClientQuotas, 1, { components: [], strict: false })
  const quotas = (entries ?? []).map(({ entity, values }) => {
    const who = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).toSorted()
    return `quota ${who.join()}: ${values
      .map(({ key, value }) => `${key}=${value}`)
      .toSorted()
      .join()}`
  })
  const { results: users } = await client.request(describeUserScramCredentials, 0, { users: null })
  const credentials = users.map(({ user, credentialInfos }) => `credential ${user}: ${JSON.stringify(credentialInfos)}`)
  const { configResources } = await client.request(listConfigResources, 1, { resourceTypes: [GROUP, CLIENT_METRICS] })
  const resources = configResources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, configurationKeys: null }))
  const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: false, includeDocumentation: false })
  const settings = results.flatMap(({ resourceName, configs }) =>
    configs.filter(({ configSource }) => configSource > 6).map(({ name, value }) => `setting ${resourceName}: ${name}=${value}`)
  )
  return [...quotas, ...credentials, ...settings].toSorted()
}
