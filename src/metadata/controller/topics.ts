/** CreateTopics, DeleteTopics, CreatePartitions. */
import { ZERO_UUID } from '../../protocol/reader.js'
import { describeTopicConfig } from '../../config/topic-config.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import type {
  ControllerError,
  CreatableTopic,
  CreatedTopic,
  DeletableTopic,
  DeletedTopic,
  GrowingTopic,
  GrownTopic,
  MutationQuota
} from '../controller-client.js'
import { ResourceType } from '../config-image.js'
import type { TopicImage } from '../image.js'
import { RecordType, type MetadataRecord } from '../records.js'
import { topicNameProblem, unify } from '../../protocol/topic-name.js'
import { checkedTopicConfig, configRecord } from './configs.js'
import { assignmentProblem, failed, manualPlacement, partitionRecord, place, type Placement } from './placement.js'
import { MAX_PARTITIONS_PER_REQUEST, repeated, type ControllerState, type Step } from './step.js'

const CLUSTER_METADATA = '__cluster_metadata'
const OK: ControllerError = { errorCode: ErrorCode.NONE, errorMessage: null }
const OVER_QUOTA: ControllerError = { errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED, errorMessage: null }
const NO_QUOTA: MutationQuota = () => true

/** One result for each name, in the order of the request. A name that is given twice fails once. */
export function createTopics(
  state: ControllerState,
  topics: readonly CreatableTopic[],
  validateOnly: boolean,
  quota = NO_QUOTA
): Step<readonly CreatedTopic[]> {
  const twice = repeated(topics, (topic) => topic.name)
  const once = topics.filter(({ name }) => !twice.has(name))
  if (isTooMuch(once, state.config.get('num.partitions'))) {
    return { records: [], response: [...new Set(topics.map(({ name }) => name))].map((name) => notCreated(name, tooMany())) }
  }
  const records: MetadataRecord[] = []
  const response: CreatedTopic[] = []
  const answered = new Set<string>()
  // Twins of metric names within one request.
  const created = new Map<string, string>()
  let partitionsLeft = MAX_PARTITIONS_PER_REQUEST
  for (const topic of topics) {
    if (answered.has(topic.name)) continue
    answered.add(topic.name)
    const problem = twice.has(topic.name)
      ? failed(ErrorCode.INVALID_REQUEST, 'Duplicate topic name')
      : nameProblem(state, topic.name, created)
    const made = problem ?? createTopic(state, topic, partitionsLeft, quota)
    if ('errorCode' in made) {
      response.push(notCreated(topic.name, made))
      continue
    }
    created.set(unify(topic.name), topic.name)
    partitionsLeft -= made.response.numPartitions
    records.push(...made.records)
    response.push(made.response)
  }
  return { records: validateOnly ? [] : records, response }
}

function notCreated(name: string, error: ControllerError): CreatedTopic {
  return { name, topicId: ZERO_UUID, numPartitions: -1, replicationFactor: -1, configs: [], ...error }
}

/** More partitions than a request may create, whatever becomes of the single topics. */
function isTooMuch(topics: readonly CreatableTopic[], defaultPartitions: number): boolean {
  let partitions = 0
  for (const { assignments, numPartitions } of topics) {
    partitions += assignments.length > 0 ? assignments.length : numPartitions === -1 ? defaultPartitions : Math.max(0, numPartitions)
  }
  return partitions > MAX_PARTITIONS_PER_REQUEST
}

function nameProblem({ image }: ControllerState, name: string, created: ReadonlyMap<string, string>): ControllerError | undefined {
  const invalid = topicNameProblem(name)
  if (invalid !== undefined) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION, invalid)
  // It exists, but not as a topic like others.
  if (name === CLUSTER_METADATA) return failed(ErrorCode.INVALID_REQUEST, `Creation of ${name} is prohibited`)
  if (image.topicByName(name)) return failed(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists`)
  if (!/[._]/.test(name)) return undefined
  const twin = image.topicLike(name) ?? created.get(unify(name))
  return twin === undefined ? undefined : failed(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${twin}`)
}

function createTopic(
  state: ControllerState,
  topic: CreatableTopic,
  partitionsLeft: number,
  quota: MutationQuota
): Step<CreatedTopic> | ControllerError {
  const { image, config } = state
  const overrides = checkedTopicConfig(config, new Map(topic.configs.map(({ name, value }) => [name, value])))
  if ('errorCode' in overrides) return overrides
  const placed = topic.assignments.length > 0 ? manual(state, topic) : automatic(state, topic, partitionsLeft)
  if ('errorCode' in placed) return placed
  if (placed.replicas.length > partitionsLeft) return tooMany()
  const topicId = state.newUuid()
  const records: MetadataRecord[] = [{ type: RecordType.topic, version: 0, data: { name: topic.name, topicId } }]
  for (const [name, value] of overrides) records.push(configRecord(ResourceType.topic, topic.name, name, value))
  for (const [index, replicas] of placed.replicas.entries()) {
    const record = partitionRecord(image, topicId, index, replicas)
    if (!record) return failed(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `All brokers of partition ${index} are fenced or shutting down`)
    records.push(record)
  }
  if (!quota(placed.replicas.length)) return OVER_QUOTA
  const replicationFactor = placed.replicas[0]!.length
  const configs = describeTopicConfig(config, overrides)
  return { records, response: { name: topic.name, topicId, numPartitions: placed.replicas.length, replicationFactor, configs, ...OK } }
}

function manual({ image }: ControllerState, topic: CreatableTopic): Placement {
  const { replicationFactor, numPartitions, assignments } = topic
  if (replicationFactor !== -1) {
    return failed(ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but the replication factor was not -1')
  }
  if (numPartitions !== -1) {
    return failed(ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but the number of partitions was not -1')
  }
  return manualPlacement(image, assignments)
}

function automatic({ image, config }: ControllerState, topic: CreatableTopic, partitionsLeft: number): Placement {
  const { numPartitions, replicationFactor } = topic
  if (replicationFactor < -1 || replicationFactor === 0) {
    return failed(ErrorCode.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0, or -1 to use the default value')
  }
  if (numPartitions < -1 || numPartitions === 0) {
    return failed(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value')
  }
  const count = numPartitions === -1 ? config.get('num.partitions') : numPartitions
  if (count > partitionsLeft) return tooMany()
  return place(image, count, replicationFactor === -1 ? config.get('default.replication.factor') : replicationFactor)
}

function tooMany(): ControllerError {
  return failed(ErrorCode.POLICY_VIOLATION, `A request may create at most ${MAX_PARTITIONS_PER_REQUEST} partitions`)
}

/** One result for each entry; one that is given twice, by name or id, fails once. */
export function deleteTopics(
  { image }: ControllerState,
  topics: readonly DeletableTopic[],
  quota = NO_QUOTA
): Step<readonly DeletedTopic[]> {
  const found = topics.map((topic) => findDeletable(image, topic))
  const twice = repeated(found, ({ key }) => key)
  const answered = new Set<string>()
  const records: MetadataRecord[] = []
  const response: DeletedTopic[] = []
  for (const { key, topic, asked, result } of found) {
    if (twice.has(key)) {
      if (!answered.has(key)) response.push({ ...asked, ...failed(ErrorCode.INVALID_REQUEST, 'Duplicate topic') })
      answered.add(key)
      continue
    }
    if (topic && !quota(topic.partitions.length)) {
      response.push({ ...result, ...OVER_QUOTA })
      continue
    }
    response.push(result)
    if (topic) records.push({ type: RecordType.removeTopic, version: 0, data: { topicId: topic.id } })
  }
  return { records, response }
}

interface Deletable {
  /** The same for all ways of naming one topic. */
  readonly key: string
  readonly topic: TopicImage | undefined
  readonly asked: DeletableTopic
  readonly result: DeletedTopic
}

function findDeletable(image: ControllerState['image'], { name, topicId }: DeletableTopic): Deletable {
  const none = (key: string, errorCode: number, errorMessage: string): Deletable => ({
    key,
    topic: undefined,
    asked: { name, topicId },
    result: { name, topicId, errorCode, errorMessage }
  })
  const byId = topicId !== ZERO_UUID
  if (byId && name !== null)
    return none(`${name} ${topicId}`, ErrorCode.INVALID_REQUEST, 'You may not specify both topic name and topic id')
  if (!byId && name === null) return none('', ErrorCode.INVALID_REQUEST, 'Neither topic name nor id were specified')
  const topic = byId ? image.topicById(topicId) : image.topicByName(name!)
  if (topic) return { key: `id ${topic.id}`, topic, asked: { name, topicId }, result: { name: topic.name, topicId: topic.id, ...OK } }
  if (byId) return none(`id ${topicId}`, ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID')
  return none(`name ${name}`, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition')
}

/** Topics grow only. One result for each name. */
export function createPartitions(
  state: ControllerState,
  topics: readonly GrowingTopic[],
  validateOnly: boolean,
  quota = NO_QUOTA
): Step<readonly GrownTopic[]> {
  const twice = repeated(topics, (topic) => topic.name)
  const records: MetadataRecord[] = []
  const response = new Map<string, GrownTopic>()
  for (const topic of topics) {
    const grown = twice.has(topic.name)
      ? failed(ErrorCode.INVALID_REQUEST, 'Duplicate topic name')
      : growTopic(state, topic, MAX_PARTITIONS_PER_REQUEST - records.length, quota)
    if ('errorCode' in grown) {
      response.set(topic.name, { name: topic.name, ...grown })
      continue
    }
    records.push(...grown)
    response.set(topic.name, { name: topic.name, ...OK })
  }
  return { records: validateOnly ? [] : records, response: [...response.values()] }
}

function growTopic(
  { image }: ControllerState,
  wanted: GrowingTopic,
  partitionsLeft: number,
  quota: MutationQuota
): readonly MetadataRecord[] | ControllerError {
  const { name, count, assignments } = wanted
  const topic = image.topicByName(name)
  if (!topic) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null }
  const existing = topic.partitions.length
  const additional = count - existing
  if (additional === 0) return failed(ErrorCode.INVALID_PARTITIONS, `Topic already has ${existing} partition(s)`)
  if (additional < 0) {
    return failed(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${name} currently has ${existing} partition(s); ${count} would not be an increase`
    )
  }
  if (additional > partitionsLeft) return tooMany()
  const replicationFactor = topic.partitions[0]!.replicas.length
  const placed = assignments
    ? givenPlacement(image, assignments, additional, replicationFactor)
    : place(image, additional, replicationFactor, existing)
  if ('errorCode' in placed) return placed
  const records: MetadataRecord[] = []
  for (const [at, replicas] of placed.replicas.entries()) {
    const record = partitionRecord(image, topic.id, existing + at, replicas)
    if (!record)
      return failed(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `All brokers of partition ${existing + at} are fenced or shutting down`)
    records.push(record)
  }
  return quota(additional) ? records : OVER_QUOTA
}

function givenPlacement(
  image: ControllerState['image'],
  assignments: readonly { readonly brokerIds: readonly number[] }[],
  additional: number,
  replicationFactor: number
): Placement {
  if (assignments.length !== additional) {
    return failed(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${additional} additional partition(s), but ${assignments.length} assignment(s) were specified`
    )
  }
  for (const { brokerIds } of assignments) {
    const problem = assignmentProblem(image, brokerIds, replicationFactor)
    if (problem) return problem
  }
  return { replicas: assignments.map(({ brokerIds }) => brokerIds) }
}
