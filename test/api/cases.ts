/** One request that succeeds and one that fails for every API, in any version: what Apache Kafka 4.3.1 answers. */
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { buildBatch } from '../../src/record/builder.js'
import { adminCases } from './admin-cases.js'

/** What the requests of one version speak of. All exist before, and belong to this version alone. */
export interface Subject {
  readonly topic: string
  readonly topicId: string
  /** Empty, with a commit for the topic. */
  readonly group: string
  /** With one stable member. */
  readonly memberId: string
  readonly stableGroup: string
  readonly generation: number
  /** With an open transaction that holds partition 0 of the topic, and the offsets of the group. */
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export interface ApiCase {
  readonly key: number
  /** Absent: it is always refused. */
  readonly good?: (version: number, subject: Subject) => object
  /** A request that fails and the code somewhere in its answer. Undefined: in this version it cannot fail. */
  readonly bad: (version: number, subject: Subject) => readonly [object, number] | undefined
}

const UNKNOWN_PRODUCER = 0x7fff_ffff
const UNKNOWN_ID = 'AbCdEfGhIjKlMnOpQrStUg'
const NOBODY = 'nobody'
const { UNKNOWN_TOPIC_OR_PARTITION: NO_TOPIC, UNKNOWN_TOPIC_ID, UNKNOWN_MEMBER_ID, INVALID_REQUEST, GROUP_ID_NOT_FOUND } = ErrorCode
const { INVALID_PRODUCER_ID_MAPPING } = ErrorCode

const named = (since: number, version: number, field: string, name: string, id: string) =>
  version >= since ? { topicId: id } : { [field]: name }

const produce = (v: number, name: string, id: string) => ({
  transactionalId: null,
  acks: -1,
  timeoutMs: 5000,
  topicData: [
    {
      ...named(13, v, 'name', name, id),
      partitionData: [{ index: 0, records: buildBatch([{ value: Buffer.from('v') }], { timestamp: Date.now() }) }]
    }
  ]
})

const fetch = (v: number, s: Subject, fetchOffset: number) => ({
  ...(v < 15 ? { replicaId: -1 } : {}),
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 1 << 20,
  isolationLevel: 0,
  topics: [{ ...named(13, v, 'topic', s.topic, s.topicId), partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  forgottenTopicsData: []
})

const listOffsets = (name: string) => ({ replicaId: -1, topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })

const commit = (v: number, s: Subject, memberId: string, generation: number) => ({
  groupId: s.group,
  generationIdOrMemberEpoch: generation,
  memberId,
  topics: [{ ...named(10, v, 'name', s.topic, s.topicId), partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'm' }] }]
})

const offsetFetch = (v: number, s: Subject, id: string) => {
  const topics = [{ ...named(10, v, 'name', s.topic, id), partitionIndexes: [0] }]
  return v < 8 ? { groupId: s.group, topics } : { groups: [{ groupId: s.group, topics }] }
}

const inTransaction = ({ transactionalId, producerId, producerEpoch }: Subject) => ({ transactionalId, producerId, producerEpoch })

const addPartitions = (v: number, s: Subject, producerId: number) => {
  const { transactionalId, producerEpoch, topic } = s
  const topics = [{ name: topic, partitions: [1] }]
  if (v >= 4) return { transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics }] }
  return {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: topics
  }
}

const markers = ({ producerId, producerEpoch }: Subject, topic: string) => ({
  markers: [{ producerId, producerEpoch, transactionResult: false, topics: [{ name: topic, partitionIndexes: [0] }], coordinatorEpoch: 0 }]
})

const txnCommit = (s: Subject, producerId: number) => ({
  ...inTransaction(s),
  producerId,
  groupId: s.group,
  topics: [{ name: s.topic, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'm' }] }]
})

const producers = (name: string) => ({ topics: [{ name, partitionIndexes: [0] }] })

const find = (v: number, s: Subject, keyType: number) => ({
  ...(v < 4 ? { key: s.group } : { coordinatorKeys: [s.group] }),
  ...(v >= 1 ? { keyType } : {})
})

const join = (s: Subject, memberId: string, sessionTimeoutMs: number) => ({
  groupId: s.stableGroup,
  sessionTimeoutMs,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
})

const sync = (v: number, s: Subject, memberId: string) => ({
  groupId: s.stableGroup,
  generationId: s.generation,
  memberId,
  ...(v >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
  assignments: []
})

const leave = (v: number, s: Subject, memberId: string) => ({
  groupId: s.stableGroup,
  ...(v < 3 ? { memberId } : { members: [{ memberId, groupInstanceId: null }] })
})

const consumerJoin = (v: number, s: Subject, rebalanceTimeoutMs: number) => ({
  groupId: `consumers of ${s.topic}`,
  memberId: v >= 1 ? UNKNOWN_ID : '',
  memberEpoch: 0,
  rebalanceTimeoutMs,
  subscribedTopicNames: [s.topic],
  topicPartitions: []
})

const describeConsumers = (groupIds: string[]) => ({ groupIds, includeAuthorizedOperations: false })

const create = (name: string) => ({
  topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
  timeoutMs: 5000
})

const remove = (v: number, name: string) => ({ ...(v < 6 ? { topicNames: [name] } : { topics: [{ name }] }), timeoutMs: 5000 })

const deleteRecords = (name: string) => ({ topics: [{ name, partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 5000 })

const epochEnd = (topic: string) => ({ topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }] })

const describeConfigs = (name: string) => ({ resources: [{ resourceType: 2, resourceName: name, configurationKeys: null }] })

const alterConfigs = (s: Subject, value: string, more: object = {}) => ({
  resources: [{ resourceType: 2, resourceName: s.topic, configs: [{ name: 'retention.ms', value, ...more }] }],
  validateOnly: false
})

const grow = (s: Subject, count: number) => ({ topics: [{ name: s.topic, count, assignments: null }], timeoutMs: 5000, validateOnly: true })

const offsetDelete = (s: Subject, groupId: string) => ({ groupId, topics: [{ name: s.topic, partitions: [{ partitionIndex: 0 }] }] })

const MISSING = 'no-such-topic'

const coreCases: readonly ApiCase[] = [
  {
    key: 0,
    good: (v, s) => produce(v, s.topic, s.topicId),
    bad: (v) => [produce(v, MISSING, UNKNOWN_ID), v >= 13 ? UNKNOWN_TOPIC_ID : NO_TOPIC]
  },
  { key: 1, good: (v, s) => fetch(v, s, 0), bad: (v, s) => [fetch(v, s, 999), ErrorCode.OFFSET_OUT_OF_RANGE] },
  { key: 2, good: (_, s) => listOffsets(s.topic), bad: () => [listOffsets(MISSING), NO_TOPIC] },
  {
    key: 3,
    good: (_, s) => ({ topics: [{ name: s.topic }] }),
    bad: () => [{ topics: [{ name: 'bad name!' }] }, ErrorCode.INVALID_TOPIC_EXCEPTION]
  },
  { key: 8, good: (v, s) => commit(v, s, '', -1), bad: (v, s) => [commit(v, s, NOBODY, 5), UNKNOWN_MEMBER_ID] },
  {
    key: 9,
    good: (v, s) => offsetFetch(v, s, s.topicId),
    bad: (v, s) => (v >= 10 ? [offsetFetch(v, s, UNKNOWN_ID), UNKNOWN_TOPIC_ID] : undefined)
  },
  { key: 10, good: (v, s) => find(v, s, 0), bad: (v, s) => (v >= 1 ? [find(v, s, 9), INVALID_REQUEST] : undefined) },
  {
    key: 11,
    good: (_, s) => join(s, s.memberId, 10_000),
    bad: (_, s) => [join(s, s.memberId, 1), ErrorCode.INVALID_SESSION_TIMEOUT]
  },
  {
    key: 12,
    good: (_, s) => ({ groupId: s.stableGroup, generationId: s.generation, memberId: s.memberId }),
    bad: (_, s) => [{ groupId: s.stableGroup, generationId: s.generation, memberId: NOBODY }, UNKNOWN_MEMBER_ID]
  },
  { key: 13, good: (v, s) => leave(v, s, s.memberId), bad: (v, s) => [leave(v, s, NOBODY), UNKNOWN_MEMBER_ID] },
  { key: 14, good: (v, s) => sync(v, s, s.memberId), bad: (v, s) => [sync(v, s, NOBODY), UNKNOWN_MEMBER_ID] },
  {
    key: 15,
    good: (_, s) => ({ groups: [s.group] }),
    bad: (v) => (v >= 6 ? [{ groups: ['no-such-group'] }, GROUP_ID_NOT_FOUND] : undefined)
  },
  { key: 16, good: () => ({}), bad: () => undefined },
  {
    key: 18,
    good: (v) => (v >= 3 ? { clientSoftwareName: 'raw', clientSoftwareVersion: '1' } : {}),
    bad: (v) => (v >= 3 ? [{ clientSoftwareName: 'bad name!', clientSoftwareVersion: '1' }, INVALID_REQUEST] : undefined)
  },
  { key: 19, good: (_, s) => create(`${s.topic}-new`), bad: (_, s) => [create(s.topic), ErrorCode.TOPIC_ALREADY_EXISTS] },
  { key: 20, good: (v, s) => remove(v, s.topic), bad: (v) => [remove(v, MISSING), NO_TOPIC] },
  { key: 21, good: (_, s) => deleteRecords(s.topic), bad: () => [deleteRecords(MISSING), NO_TOPIC] },
  {
    key: 22,
    good: () => ({ transactionalId: null, transactionTimeoutMs: 60_000 }),
    bad: () => [{ transactionalId: '', transactionTimeoutMs: 60_000 }, INVALID_REQUEST]
  },
  { key: 23, good: (_, s) => epochEnd(s.topic), bad: () => [epochEnd(MISSING), NO_TOPIC] },
  {
    key: 24,
    good: (v, s) => addPartitions(v, s, s.producerId),
    bad: (v, s) => [addPartitions(v, s, UNKNOWN_PRODUCER), INVALID_PRODUCER_ID_MAPPING]
  },
  {
    key: 25,
    good: (_, s) => ({ ...inTransaction(s), groupId: s.group }),
    bad: (_, s) => [{ ...inTransaction(s), producerId: UNKNOWN_PRODUCER, groupId: s.group }, INVALID_PRODUCER_ID_MAPPING]
  },
  {
    key: 26,
    good: (_, s) => ({ ...inTransaction(s), committed: true }),
    bad: (_, s) => [{ ...inTransaction(s), producerId: UNKNOWN_PRODUCER, committed: true }, INVALID_PRODUCER_ID_MAPPING]
  },
  { key: 27, good: (_, s) => markers(s, s.topic), bad: (_, s) => [markers(s, MISSING), NO_TOPIC] },
  {
    key: 28,
    good: (_, s) => txnCommit(s, s.producerId),
    bad: (_, s) => [txnCommit(s, UNKNOWN_PRODUCER), INVALID_PRODUCER_ID_MAPPING]
  },
  { key: 32, good: (_, s) => describeConfigs(s.topic), bad: () => [describeConfigs(MISSING), NO_TOPIC] },
  { key: 33, good: (_, s) => alterConfigs(s, '1000000'), bad: (_, s) => [alterConfigs(s, 'soon'), ErrorCode.INVALID_CONFIG] },
  {
    key: 34,
    good: () => ({ dirs: [] }),
    bad: (_, s) => [{ dirs: [{ path: '/no/such/dir', topics: [{ name: s.topic, partitions: [0] }] }] }, ErrorCode.LOG_DIR_NOT_FOUND]
  },
  { key: 35, good: () => ({ topics: null }), bad: () => undefined },
  { key: 37, good: (_, s) => grow(s, 3), bad: (_, s) => [grow(s, 1), ErrorCode.INVALID_PARTITIONS] },
  { key: 42, good: (_, s) => ({ groupsNames: [s.group] }), bad: () => [{ groupsNames: ['no-such-group'] }, GROUP_ID_NOT_FOUND] },
  {
    key: 44,
    good: (_, s) => alterConfigs(s, '1000000', { configOperation: 0 }),
    bad: (_, s) => [alterConfigs(s, 'soon', { configOperation: 0 }), ErrorCode.INVALID_CONFIG]
  },
  { key: 47, good: (_, s) => offsetDelete(s, s.group), bad: (_, s) => [offsetDelete(s, 'no-such-group'), GROUP_ID_NOT_FOUND] },
  {
    key: 60,
    good: () => ({ includeClusterAuthorizedOperations: false }),
    bad: (v) => (v >= 1 ? [{ includeClusterAuthorizedOperations: false, endpointType: 9 }, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE] : undefined)
  },
  { key: 61, good: (_, s) => producers(s.topic), bad: () => [producers(MISSING), NO_TOPIC] },
  {
    key: 65,
    good: (_, s) => ({ transactionalIds: [s.transactionalId] }),
    bad: () => [{ transactionalIds: [NOBODY] }, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND]
  },
  {
    key: 66,
    good: () => ({ stateFilters: [], producerIdFilters: [] }),
    bad: (v) =>
      v >= 2 ? [{ stateFilters: [], producerIdFilters: [], transactionalIdPattern: '(' }, ErrorCode.INVALID_REGULAR_EXPRESSION] : undefined
  },
  { key: 68, good: (v, s) => consumerJoin(v, s, 30_000), bad: (v, s) => [consumerJoin(v, s, -1), INVALID_REQUEST] },
  { key: 69, good: () => describeConsumers([]), bad: () => [describeConsumers(['no-such-group']), GROUP_ID_NOT_FOUND] },
  {
    key: 75,
    good: (_, s) => ({ topics: [{ name: s.topic }], responsePartitionLimit: 100, cursor: null }),
    bad: () => [{ topics: [{ name: MISSING }], responsePartitionLimit: 100, cursor: null }, NO_TOPIC]
  }
]

export const cases = [...coreCases, ...adminCases].toSorted((a, b) => a.key - b.key)
