/** As cases.ts: administration beyond topics and their settings. */
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { ApiCase, Subject } from './cases.js'

const MISSING = 'no-such-topic'
const {
  UNKNOWN_TOPIC_OR_PARTITION: NO_TOPIC,
  INVALID_REQUEST,
  SECURITY_DISABLED,
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: NO_TOKENS
} = ErrorCode

const anyAcl = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1
}
const acl = {
  resourceType: 2,
  resourceName: 'x',
  resourcePatternType: 3,
  principal: 'User:a',
  host: '*',
  operation: 3,
  permissionType: 3
}
const quota = (entityType: string) => ({
  entries: [{ entity: [{ entityType, entityName: 'some' }], ops: [{ key: 'producer_byte_rate', value: 1e9, remove: false }] }],
  validateOnly: true
})
const elect = (v: number, topic: string) => ({
  ...(v >= 1 ? { electionType: 0 } : {}),
  topicPartitions: [{ topic, partitions: [0] }],
  timeoutMs: 5000
})
const reassign = (topics: { name: string; partitions: { partitionIndex: number; replicas: number[] | null }[] }[]) => ({
  timeoutMs: 5000,
  topics
})
const feature = (v: number, maxVersionLevel: number) => ({
  timeoutMs: 5000,
  featureUpdates: [{ feature: 'group.version', maxVersionLevel, ...(v >= 1 ? { upgradeType: 1 } : { allowDowngrade: false }) }]
})
const quorum = (topicName: string) => ({ topics: [{ topicName, partitions: [{ partitionIndex: 0 }] }] })
const credential = (name: string, iterations: number) => ({
  deletions: [],
  upsertions: [{ name, mechanism: 1, iterations, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }]
})
const filter = (entityType: string) => ({ components: [{ entityType, matchType: 2, match: null }], strict: false })
const push = (s: Subject, compressionType: number) => ({
  clientInstanceId: s.topicId,
  subscriptionId: 1,
  terminating: false,
  compressionType,
  metrics: Buffer.alloc(0)
})

/** Without `good`: what Apache Kafka refuses as long as it has no authorizer, no authentication and no other voters. */
export const adminCases: readonly ApiCase[] = [
  { key: 17, bad: () => [{ mechanism: 'PLAIN' }, ErrorCode.ILLEGAL_SASL_STATE] },
  { key: 29, bad: () => [anyAcl, SECURITY_DISABLED] },
  { key: 30, bad: () => [{ creations: [acl] }, SECURITY_DISABLED] },
  { key: 31, bad: () => [{ filters: [anyAcl] }, SECURITY_DISABLED] },
  { key: 36, bad: () => [{ authBytes: Buffer.from('x') }, ErrorCode.ILLEGAL_SASL_STATE] },
  { key: 38, bad: () => [{ renewers: [], maxLifetimeMs: -1 }, NO_TOKENS] },
  { key: 39, bad: () => [{ hmac: Buffer.from('x'), renewPeriodMs: 1 }, NO_TOKENS] },
  { key: 40, bad: () => [{ hmac: Buffer.from('x'), expiryTimePeriodMs: 1 }, NO_TOKENS] },
  { key: 41, bad: () => [{ owners: null }, NO_TOKENS] },
  {
    key: 43,
    good: () => ({ topicPartitions: [], timeoutMs: 5000 }),
    bad: (v, s) => (v === 1 ? [elect(v, s.topic), ErrorCode.ELECTION_NOT_NEEDED] : [elect(v, MISSING), NO_TOPIC])
  },
  {
    key: 45,
    good: () => reassign([]),
    bad: (_, s) => [
      reassign([{ name: s.topic, partitions: [{ partitionIndex: 0, replicas: null }] }]),
      ErrorCode.NO_REASSIGNMENT_IN_PROGRESS
    ]
  },
  { key: 46, good: (_, s) => ({ timeoutMs: 5000, topics: [{ name: s.topic, partitionIndexes: [0] }] }), bad: () => undefined },
  { key: 48, good: () => filter('user'), bad: () => [filter('shoe-size'), ErrorCode.UNSUPPORTED_VERSION] },
  { key: 49, good: () => quota('user'), bad: () => [quota('shoe-size'), INVALID_REQUEST] },
  {
    key: 50,
    good: () => ({ users: null }),
    bad: () => [{ users: [{ name: 'nobody-here' }] }, ErrorCode.RESOURCE_NOT_FOUND]
  },
  { key: 51, good: (_, s) => credential(s.topic, 4096), bad: (_, s) => [credential(s.topic, 1), ErrorCode.UNACCEPTABLE_CREDENTIAL] },
  { key: 55, good: () => quorum('__cluster_metadata'), bad: (_, s) => [quorum(s.topic), NO_TOPIC] },
  { key: 57, good: (v) => feature(v, 1), bad: (v) => [feature(v, 99), ErrorCode.INVALID_UPDATE_VERSION] },
  { key: 64, bad: () => [{ brokerId: 7777 }, ErrorCode.BROKER_ID_NOT_REGISTERED] },
  {
    key: 71,
    good: () => ({ clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    bad: () => undefined
  },
  { key: 72, bad: (_, s) => [push(s, 0), ErrorCode.UNKNOWN_SUBSCRIPTION_ID] },
  {
    key: 74,
    good: () => ({}),
    bad: (v) => (v >= 1 ? [{ resourceTypes: [99] }, ErrorCode.UNSUPPORTED_VERSION] : undefined)
  },
  {
    key: 80,
    bad: () => [
      { clusterId: 'another', timeoutMs: 100, voterId: 9, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAQ', listeners: [] },
      ErrorCode.INCONSISTENT_CLUSTER_ID
    ]
  },
  {
    key: 81,
    bad: () => [{ clusterId: 'another', voterId: 9, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, ErrorCode.INCONSISTENT_CLUSTER_ID]
  }
]
