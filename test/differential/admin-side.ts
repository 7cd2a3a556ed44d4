/** Topics, groups and settings of one of the brokers that are compared, and what it tells of them. */
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { describeClientQuotas } from '../../src/protocol/messages/48-describe-client-quotas.js'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.js'
import { buildBatch } from '../../src/record/builder.js'
import { settled } from '../takeover/session.js'
import { flattened, Side, type Answer } from './side.js'

/** What requests refer to. */
export interface AdminState {
  readonly round: string
  /** Two partitions, five records in the first one, a setting of its own. */
  readonly topic: string
  readonly topicId: string
  readonly compacted: string
  /** To be deleted. */
  readonly spare: string
  readonly spareId: string
  /** Without members, with an offset of `topic`. */
  readonly group: string
  readonly logDir: string
}

const RECORDS = 5
const TIMESTAMP = 1_700_000_000_000
const BROKER = 4
const LATEST = -1
const DYNAMIC_SOURCES: ReadonlySet<number> = new Set([1, 2, 3, 7, 8])

export class AdminSide extends Side<AdminState> {
  async make(round: string): Promise<AdminState> {
    const { session } = this
    const [topic, compacted, spare, group] = [`t-${round}`, `compacted-${round}`, `spare-${round}`, `group-${round}`]
    const resources = ['', '1'].map((resourceName) => ({ resourceType: BROKER, resourceName, configs: [] }))
    await session.client.request(alterConfigs, 2, { resources, validateOnly: false })
    await session.createTopic(topic, 2, { 'retention.ms': '2000000' })
    await session.createTopic(compacted, 1, { 'cleanup.policy': 'compact' })
    await session.createTopic(spare, 1)
    const records = buildBatch(
      Array.from({ length: RECORDS }, (_, at) => ({ value: Buffer.from(String(at)), timestamp: TIMESTAMP + at })),
      { timestamp: TIMESTAMP }
    )
    await settled(async () => ({
      errorCode: (await session.topics()).some(([name]) => name === spare) ? 0 : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }))
    await session.send(topic, 0, records)
    await session.commitOffset(group, topic, 0, 3)
    await session.commitOffset(group, compacted, 0, 1)
    const ids = new Map((await session.topics()).map(([name, id]) => [name, id]))
    const logDir = (
      await settled(async () => {
        const found = await session.dirOf(topic, 0)
        return { found, errorCode: found === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE }
      })
    ).found!
    return { round, topic, topicId: ids.get(topic)!, compacted, spare, spareId: ids.get(spare)!, group, logDir }
  }

  async snapshot({ round, topic, compacted, group }: AdminState): Promise<unknown> {
    const { client } = this.session
    const { topics } = await client.request(describeTopicPartitions, 0, { topics: [] })
    const own = topics.flatMap(({ name, ...rest }) => (name?.includes(round) === true ? [{ name, ...rest }] : []))
    const named = [
      ...[topic, compacted].map((resourceName) => ({ resourceType: 2, resourceName })),
      ...['', '1'].map((resourceName) => ({ resourceType: BROKER, resourceName })),
      { resourceType: 16, resourceName: `metrics-${round}` },
      { resourceType: 32, resourceName: group }
    ]
    const resources = named.map((resource) => ({ ...resource, configurationKeys: null }))
    const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: false })
    const quotas = await client.request(describeClientQuotas, 1, { components: [], strict: false })
    const offsets = await client.request(offsetFetch, 8, {
      groupId: '',
      topics: [],
      groups: [{ groupId: group, topics: null }],
      requireStable: false
    })
    return {
      topics: own
        .map(({ name, partitions, errorCode }) => ({
          name,
          errorCode,
          partitions: partitions.map(({ leaderId, replicaNodes, isrNodes }) => [leaderId, replicaNodes, isrNodes])
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      configs: results.map(({ resourceType, resourceName, configs }) => [
        resourceType,
        resourceName,
        configs
          .filter(({ configSource }) => DYNAMIC_SOURCES.has(configSource))
          .map(({ name, value }) => `${name}=${value}`)
          .toSorted()
      ]),
      quotas: (quotas.entries ?? [])
        .filter(({ entity }) => entity.some(({ entityName }) => entityName === null || entityName.includes(round)))
        .map(({ entity, values }) =>
          JSON.stringify([
            entity.map(({ entityType, entityName }) => [entityType, entityName]).toSorted(),
            values.map(({ key, value }) => [key, value]).toSorted()
          ])
        )
        .toSorted(),
      offsets: offsets.groups
        .flatMap((each) =>
          each.topics.flatMap(({ name, partitions }) =>
            partitions.map(({ partitionIndex, committedOffset }) => `${name}-${partitionIndex} ${committedOffset}`)
          )
        )
        .toSorted(),
      ends: await Promise.all([this.session.offsetAt(topic, 0, LATEST), this.session.offsetAt(topic, 0, -2)])
    }
  }

  told(state: AdminState, answer: Answer): string {
    return typeof answer === 'string' ? answer : JSON.stringify(comparable(state, answer))
  }
}

/** Clients have words of their own for them. */
const SPEAKING_FOR_THEMSELVES: ReadonlySet<number | undefined> = new Set([ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])

/** What a broker says in its own words, measures, or names itself. */
const OWN: ReadonlySet<string> = new Set([
  'allowReplicationFactorChange',
  'throttleTimeMs',
  'clusterId',
  'listeners',
  'host',
  'port',
  'documentation',
  'partitionSize',
  'totalBytes',
  'usableBytes',
  'highWatermark',
  'logEndOffset',
  'leaderEpoch',
  'lastFetchTimestamp',
  'lastCaughtUpTimestamp',
  'replicaDirectoryId',
  'clientInstanceId',
  'subscriptionId',
  'lastTimestamp'
])
const OTHER_ROUNDS = /-(?:r\d+|\d+-\d+)\b/

function comparable(state: AdminState, value: unknown): unknown {
  if (Array.isArray(value)) {
    const texts = value
      .filter((each) => !ofOthers(state, each))
      .map((each) => comparable(state, each))
      .flatMap((each) => flattened(each, PARTITIONS, NAMES))
      .map((each) => JSON.stringify(each))
    // What is asked twice is answered once or twice, in any order.
    return [...new Set(texts)].toSorted().map((text) => JSON.parse(text) as unknown)
  }
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  const { errorCode } = value as { errorCode?: number }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !OWN.has(name) && !(name === 'errorMessage' && SPEAKING_FOR_THEMSELVES.has(errorCode)))
      .map(([name, each]) => [name, comparableField(state, name, each)])
  )
}

function comparableField(state: AdminState, name: string, value: unknown): unknown {
  if (name === 'errorMessage') return value === null || value === '' ? null : 'words'
  if (name === 'topicId')
    return value === 'AAAAAAAAAAAAAAAAAAAAAA' ? 'none' : value === state.topicId || value === state.spareId ? 'known' : 'other'
  if (name === 'logDir') return value === state.logDir ? 'own' : 'other'
  return comparable(state, value)
}

const PARTITIONS: ReadonlySet<string> = new Set(['partitions', 'partitionResult'])
const NAMES: ReadonlySet<string> = new Set(['name', 'topic', 'topicName'])

/** Things of earlier rounds, and settings that only one of the brokers has. */
function ofOthers({ round }: AdminState, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, topic, resourceName, groupId } = value as Record<string, unknown>
  return [name, topic, resourceName, groupId].some(
    (each) => typeof each === 'string' && (each.startsWith('sluice.') || (OTHER_ROUNDS.test(each) && !each.includes(`-${round}`)))
  )
}
