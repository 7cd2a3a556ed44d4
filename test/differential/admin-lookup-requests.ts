/** What only asks. */
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { listGroups } from '../../src/protocol/messages/16-list-groups.js'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.js'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.js'
import { listPartitionReassignments } from '../../src/protocol/messages/46-list-partition-reassignments.js'
import { describeQuorum } from '../../src/protocol/messages/55-describe-quorum.js'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.js'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.js'
import { getTelemetrySubscriptions } from '../../src/protocol/messages/71-get-telemetry-subscriptions.js'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { all, anyPartition, anyTopic, anyTopicId, some, type Ref } from './admin-chances.js'
import type { AdminState } from './admin-side.js'
import type { KindOf } from './rounds.js'

const LAST_METADATA_VERSION_BY_NAME = 9

export const lookupKinds: readonly KindOf<AdminState>[] = [
  {
    api: listOffsets,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const topic = anyTopic(choice)
        const partitions = some(choice, () => ({
          partitionIndex: anyPartition(choice),
          currentLeaderEpoch: choice.of(-1, -1, 0, 5, -2),
          timestamp: choice.of(-1, -2, -3, -4, -5, -6, -7, 0, 1_700_000_000_002, 9_000_000_000_000)
        }))
        return (state) => ({ name: topic(state), partitions })
      })
      const [replicaId, isolationLevel] = [choice.of(-1, -1, -2, 0, 1), choice.of(0, 1)]
      return (state) => ({ replicaId, isolationLevel, topics: all(topics)(state), timeoutMs: 1000 })
    }
  },
  {
    api: metadata,
    body: (choice, version) => {
      const topics = some(choice, (): Ref<object> => {
        const [name, id, by] = [anyTopic(choice), anyTopicId(choice), choice.of('name', 'name', 'id', 'both')]
        const named = (state: AdminState) => by !== 'id' || version <= LAST_METADATA_VERSION_BY_NAME || id(state) === ZERO_UUID
        return (state) => ({ name: named(state) ? name(state) : null, topicId: by === 'name' ? ZERO_UUID : id(state) })
      })
      const every = version >= 1 && choice.of(false, false, false, true)
      const authorized = choice.of(true, false)
      return (state) => ({
        topics: every ? null : all(topics)(state),
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: authorized,
        includeTopicAuthorizedOperations: authorized
      })
    }
  },
  {
    api: listGroups,
    body: (choice) => {
      const statesFilter = choice.of([], ['Empty'], ['empty'], ['Nope'], ['Stable', 'Dead'])
      const typesFilter = choice.of([], ['classic'], ['Consumer'], ['nope'], ['unknown'])
      return () => ({ statesFilter, typesFilter })
    }
  },
  {
    api: offsetForLeaderEpoch,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const topic = anyTopic(choice)
        const partitions = some(choice, () => ({
          partition: anyPartition(choice),
          currentLeaderEpoch: choice.of(-1, -1, 0, 5, -2),
          leaderEpoch: choice.of(0, 1, -1, 100)
        }))
        return (state) => ({ topic: topic(state), partitions })
      })
      const replicaId = choice.of(-1, -2, 1, 2)
      return (state) => ({ replicaId, topics: all(topics)(state) })
    }
  },
  {
    api: describeLogDirs,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const [topic, partitions] = [anyTopic(choice), some(choice, () => anyPartition(choice))]
        // What is in the folder of a topic of the broker's own, each decides.
        return (state) => ({ topic: topic(state), partitions })
      })
      return (state) => ({ topics: all(topics)(state) })
    }
  },
  {
    api: listPartitionReassignments,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const [name, partitionIndexes] = [anyTopic(choice), some(choice, () => anyPartition(choice))]
        return (state) => ({ name: name(state), partitionIndexes })
      })
      const every = choice.of(true, false)
      return (state) => ({ timeoutMs: 1000, topics: every ? null : all(topics)(state) })
    }
  },
  {
    api: describeQuorum,
    body: (choice) => {
      const topics = some(choice, () => ({
        topicName: choice.of('__cluster_metadata', '__cluster_metadata', '__cluster_metadata', 'other', ''),
        partitions: some(choice, () => ({ partitionIndex: choice.of(0, 0, 0, 1, -1) }))
      }))
      return () => ({ topics })
    }
  },
  {
    api: describeCluster,
    body: (choice) => {
      const body = {
        includeClusterAuthorizedOperations: choice.of(true, false),
        endpointType: choice.of(1, 1, 2, 0, 3, -1),
        includeFencedBrokers: choice.of(true, false)
      }
      return () => body
    }
  },
  {
    api: describeProducers,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const [name, partitionIndexes] = [anyTopic(choice), some(choice, () => anyPartition(choice))]
        return (state) => ({ name: name(state), partitionIndexes })
      })
      return (state) => ({ topics: all(topics)(state) })
    }
  },
  {
    api: describeTransactions,
    body: (choice) => {
      const transactionalIds = some(choice, () => choice.of('none', '', 'other'))
      return () => ({ transactionalIds })
    }
  },
  {
    api: listTransactions,
    body: (choice) => {
      const body = {
        stateFilters: choice.of([], ['Ongoing'], ['ongoing'], ['Nope'], ['Dead']),
        producerIdFilters: choice.of([], [1], [-1, -1]),
        durationFilter: choice.of(-1, 0, -5, 1000),
        transactionalIdPattern: choice.of(null, '', '.*', '(')
      }
      return () => body
    }
  },
  {
    api: getTelemetrySubscriptions,
    body: (choice) => {
      const clientInstanceId = choice.of(ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ')
      return () => ({ clientInstanceId })
    }
  },
  {
    api: describeTopicPartitions,
    body: (choice) => {
      const topics = some(choice, () => anyTopic(choice))
      const cursor = choice.of<Ref<object | null>>(
        () => null,
        () => null,
        ({ topic }) => ({ topicName: topic, partitionIndex: 1 }),
        ({ topic }) => ({ topicName: topic, partitionIndex: 7 }),
        ({ topic }) => ({ topicName: topic, partitionIndex: -1 }),
        () => ({ topicName: 'zzz', partitionIndex: 0 }),
        () => ({ topicName: '', partitionIndex: 0 })
      )
      const responsePartitionLimit = choice.of(2000, 1, 2, 0, 2_147_483_647)
      return (state) => ({
        topics: all(topics)(state).map((name) => ({ name: name || 'bad name' })),
        responsePartitionLimit,
        cursor: cursor(state)
      })
    }
  }
]
