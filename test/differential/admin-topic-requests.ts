/** Topics, their partitions, records and places. */
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.js'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.js'
import { writeTxnMarkers } from '../../src/protocol/messages/27-write-txn-markers.js'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.js'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.js'
import { deleteGroups } from '../../src/protocol/messages/42-delete-groups.js'
import { electLeaders } from '../../src/protocol/messages/43-elect-leaders.js'
import { alterPartitionReassignments } from '../../src/protocol/messages/45-alter-partition-reassignments.js'
import { offsetDelete } from '../../src/protocol/messages/47-offset-delete.js'
import { unregisterBroker } from '../../src/protocol/messages/64-unregister-broker.js'
import { addRaftVoter } from '../../src/protocol/messages/80-add-raft-voter.js'
import { removeRaftVoter } from '../../src/protocol/messages/81-remove-raft-voter.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { all, anyGroup, anyPartition, anyReplicas, anyTopic, anyTopicId, some, topicPairs, type Ref } from './admin-chances.js'
import type { AdminState } from './admin-side.js'
import type { Choice, KindOf } from './rounds.js'

const TIMEOUT = { timeoutMs: 10_000 }

const newTopic = (choice: Choice): Ref =>
  choice.of<Ref>(
    ({ round }) => `new-a-${round}`,
    ({ round }) => `new-b-${round}`,
    ({ round }) => `new.a-${round}`,
    ({ round }) => `new_a-${round}`,
    ({ round }) => `new-c-${round}`,
    anyTopic(choice),
    () => '.',
    () => '..',
    () => 'ä',
    () => 'x'.repeat(250)
  )
const doomedTopic = (choice: Choice): Ref =>
  choice.of<Ref>(
    ({ round }) => `new-a-${round}`,
    ({ round }) => `new.a-${round}`,
    ({ round }) => `new-b-${round}`,
    ({ spare }) => spare,
    () => 'no-such-topic',
    () => '__cluster_metadata',
    () => 'bad name',
    () => ''
  )

/** Partitions of a topic, some that are not there. */
function anyPartitions(choice: Choice, topic = anyTopic(choice)): { topic: Ref; partitions: number[] } {
  return { topic, partitions: some(choice, () => anyPartition(choice)) }
}

function assignments(choice: Choice): object[] {
  const at = (partitionIndex: number, brokerIds = anyReplicas(choice)) => ({ partitionIndex, brokerIds })
  return choice.of<() => object[]>(
    () => [],
    () => [],
    () => [],
    () => [at(0)],
    () => [at(0, [1]), at(1, [1])],
    () => [at(0, [1]), at(0, [1])],
    () => [at(0), at(2)],
    () => [at(-1)]
  )()
}

export const topicKinds: readonly KindOf<AdminState>[] = [
  ...Array.from({ length: 2 }, () => ({
    api: createTopics,
    body: (choice: Choice, version: number) => {
      const topics = some(choice, (): Ref<object> => {
        const [name, assigned, configs] = [newTopic(choice), assignments(choice), topicPairs(choice)]
        const placed = assigned.length > 0 && choice.of(true, true, false)
        const numPartitions = placed ? -1 : choice.of(1, 1, 2, -1, 0, -2, 10_001)
        const replicationFactor = placed ? -1 : choice.of(1, 1, 1, -1, 0, 2, -2, 32_767)
        return (state) => ({ name: name(state), numPartitions, replicationFactor, assignments: assigned, configs })
      })
      const validateOnly = version >= 1 && choice.of(true, false)
      return (state: AdminState) => ({ ...TIMEOUT, topics: all(topics)(state), validateOnly })
    }
  })),
  {
    api: deleteTopics,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const [name, id, by] = [doomedTopic(choice), anyTopicId(choice), choice.of('name', 'name', 'id', 'both', 'none')]
        // The topic that other requests need stays.
        const spared: Ref = (state) => (id(state) === state.topicId ? state.spareId : id(state))
        return (state) => ({
          name: by === 'id' || by === 'none' ? null : name(state),
          topicId: by === 'id' || by === 'both' ? spared(state) : ZERO_UUID
        })
      })
      const names = some(choice, () => doomedTopic(choice))
      return (state) => ({ ...TIMEOUT, topics: all(topics)(state), topicNames: all(names)(state) })
    }
  },
  {
    api: createPartitions,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const [name, count] = [anyTopic(choice), choice.of(1, 2, 3, 4, 0, -1)]
        const places = choice.of(
          null,
          null,
          [],
          some(choice, () => ({ brokerIds: anyReplicas(choice) }))
        )
        // Topics of the broker itself stay as they are.
        return (state) => ({ name: name(state), count: name(state).startsWith('__') ? 1 : count, assignments: places })
      })
      const validateOnly = choice.of(true, false)
      return (state) => ({ ...TIMEOUT, topics: all(topics)(state), validateOnly })
    }
  },
  {
    api: deleteRecords,
    body: (choice) => {
      const topics = choice.of([0], [0], [0], []).map((): Ref<object> => {
        const topic = anyTopic(choice)
        const partitions = [{ partitionIndex: anyPartition(choice), offset: choice.of(0, 1, 2, 3, 6, -1, -2, 1000) }]
        return (state) => ({ name: topic(state), partitions })
      })
      return (state) => ({ ...TIMEOUT, topics: all(topics)(state) })
    }
  },
  {
    api: writeTxnMarkers,
    body: (choice) => {
      // Of several markers, one of which can't be written, Apache Kafka does not answer all.
      const markers = choice.of([0], [0], []).map((): Ref<object> => {
        const topic = choice.of(
          anyTopic(choice),
          ({ spare }: AdminState) => spare,
          ({ spare }: AdminState) => spare
        )
        const producerId = choice.of(4_000_000, -1)
        const producer = { producerId, producerEpoch: choice.of(0, 0, -1), transactionResult: choice.of(true, false) }
        const partition = choice.of(0, 0, 1, 9, -1)
        const [coordinatorEpoch, transactionVersion] = [choice.of(0, 0, -1), choice.of(0, 2, 9)]
        return (state) => {
          // One that is there would take the marker.
          const index = topic(state) === state.spare || partition > 2 || partition < 0 ? partition : 9
          return { ...producer, topics: [{ name: topic(state), partitionIndexes: [index] }], coordinatorEpoch, transactionVersion }
        }
      })
      return (state) => ({ markers: all(markers)(state) })
    }
  },
  {
    api: alterReplicaLogDirs,
    body: (choice) => {
      const dirs = some(choice, (): Ref<object> => {
        const path = choice.of<Ref>(
          ({ logDir }) => logDir,
          () => '/nowhere',
          () => 'relative',
          () => ''
        )
        const { topic, partitions } = anyPartitions(choice)
        return (state) => ({ path: path(state), topics: [{ name: topic(state), partitions }] })
      })
      return (state) => ({ dirs: all(dirs)(state) })
    }
  },
  {
    api: electLeaders,
    body: (choice) => {
      const electionType = choice.of(0, 0, 1, 1, 2, -1)
      const topics = [anyPartitions(choice), ...some(choice, () => anyPartitions(choice))]
      const every = choice.of(false, false, false, true)
      return (state) => ({
        ...TIMEOUT,
        electionType,
        topicPartitions: every ? null : topics.map(({ topic, partitions }) => ({ topic: topic(state), partitions }))
      })
    }
  },
  {
    api: alterPartitionReassignments,
    body: (choice) => {
      const topics = some(choice, (): Ref<object> => {
        const topic = anyTopic(choice)
        const partitions = some(choice, () => ({
          partitionIndex: anyPartition(choice),
          replicas: choice.of(null, anyReplicas(choice), [1])
        }))
        return (state) => ({ name: topic(state), partitions })
      })
      const allowReplicationFactorChange = choice.of(true, false)
      return (state) => ({ ...TIMEOUT, allowReplicationFactorChange, topics: all(topics)(state) })
    }
  },
  {
    api: deleteGroups,
    body: (choice) => {
      const groups = some(choice, () => anyGroup(choice))
      return (state) => ({ groupsNames: all(groups)(state) })
    }
  },
  {
    api: offsetDelete,
    body: (choice) => {
      const [group, topics] = [anyGroup(choice), some(choice, () => anyPartitions(choice))]
      return (state) => ({
        groupId: group(state),
        topics: topics.map(({ topic, partitions }) => ({
          name: topic(state),
          partitions: partitions.map((partitionIndex) => ({ partitionIndex }))
        }))
      })
    }
  },
  { api: unregisterBroker, body: (choice) => ((brokerId) => () => ({ brokerId }))(choice.of(0, 2, -1, 2_147_483_647)) },
  {
    // Apache Kafka's quorum may change here, this one never does.
    api: addRaftVoter,
    body: (choice) => {
      const [voterId, voterDirectoryId] = [choice.of(1, 2, -1), choice.of(ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ')]
      const listeners = choice.of([], [{ name: 'CONTROLLER', host: 'x', port: 1 }])
      return () => ({ timeoutMs: 1000, clusterId: 'other', voterId, voterDirectoryId, listeners })
    }
  },
  {
    api: removeRaftVoter,
    body: (choice) => {
      const [voterId, voterDirectoryId] = [choice.of(1, 2, -1), choice.of(ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ')]
      return () => ({ clusterId: 'other', voterId, voterDirectoryId })
    }
  }
]
