/** Requests of records with something wrong in them. */
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.js'
import { anyBatch, type BatchRef } from './record-batches.js'
import type { RecordState } from './record-side.js'
import type { KindOf } from './rounds.js'
import { anyPartition, anyProducer, anyTopic, distinct, idOf, some } from './record-chances.js'

const produceKind: KindOf<RecordState> = {
  api: produce,
  body: (choice, version) => {
    const acks = choice.of(-1, -1, -1, -1, 1, 1, 2, -2)
    const transactionalId = choice.of<(state: RecordState) => string | null>(
      () => null,
      ({ transactional }) => transactional.name,
      ({ transactional }) => transactional.name,
      () => 'nobody'
    )
    const topics = some(choice, () => ({
      name: anyTopic(choice),
      partitions: some(choice, (): { index: number; records: BatchRef } => ({
        index: anyPartition(choice),
        records: anyBatch(choice, version)
      }))
    }))
    return (state) => ({
      transactionalId: transactionalId(state),
      acks,
      timeoutMs: 5000,
      topicData: distinct(topics, ({ name }) => name(state)).map(({ name, partitions }) => ({
        name: name(state),
        topicId: idOf(state, name(state)),
        partitionData: distinct(partitions, ({ index }) => index).map(({ index, records }) => ({ index, records: records(state) }))
      }))
    })
  }
}

/** Most are Produce: in it most can be wrong. */
export const recordKinds: readonly KindOf<RecordState>[] = [
  produceKind,
  produceKind,
  produceKind,
  produceKind,
  {
    api: fetch,
    body: (choice) => {
      const [sessionId, sessionEpoch] = choice.of([0, -1], [0, -1], [0, 0], [12_345, 1], [12_345, -1], [-1, 5])
      const head = {
        maxWaitMs: choice.of(0, 1, -1),
        minBytes: choice.of(0, 1, 1, -1),
        maxBytes: choice.of(1_000_000, 1_000_000, 100, 1, 0),
        isolationLevel: choice.of(0, 1, 1),
        sessionId,
        sessionEpoch,
        rackId: choice.of('', 'r')
      }
      const topics = some(choice, () => ({
        name: anyTopic(choice),
        partitions: some(choice, () => ({
          partition: anyPartition(choice),
          currentLeaderEpoch: choice.of(-1, -1, -1, 0, 5, -2),
          fetchOffset: choice.of(0, 0, 0, 2, 5, 6, 1000, -1, -2),
          lastFetchedEpoch: choice.of(-1, -1, -1, 0, 3),
          logStartOffset: choice.of(-1, 0),
          partitionMaxBytes: choice.of(1_000_000, 1_000_000, 100, 1, 0)
        }))
      }))
      const forgotten = choice.of(false, false, true)
      return (state) => {
        const named = distinct(topics, ({ name }) => name(state)).map(({ name, partitions }) => ({
          topic: name(state),
          topicId: idOf(state, name(state)),
          partitions: distinct(partitions, ({ partition }) => partition)
        }))
        const forgottenTopicsData = forgotten ? named.map((each) => ({ ...each, partitions: [0] })) : []
        return { ...head, topics: named, forgottenTopicsData }
      }
    }
  },
  {
    api: listOffsets,
    body: (choice) => {
      const isolationLevel = choice.of(0, 1)
      const topics = some(choice, () => ({
        name: anyTopic(choice),
        partitions: some(choice, () => ({
          partitionIndex: anyPartition(choice),
          currentLeaderEpoch: choice.of(-1, -1, 0, 5, -2),
          timestamp: choice.of(-1, -2, -3, -4, -5, -6, -7, 0, 1_600_000_000_002, 9_000_000_000_000)
        }))
      }))
      return (state) => ({
        replicaId: -1,
        isolationLevel,
        topics: topics.map(({ name, partitions }) => ({ name: name(state), partitions })),
        timeoutMs: 1000
      })
    }
  },
  {
    api: offsetForLeaderEpoch,
    body: (choice) => {
      const topics = some(choice, () => ({
        name: anyTopic(choice),
        partitions: some(choice, () => ({
          partition: anyPartition(choice),
          currentLeaderEpoch: choice.of(-1, -1, 0, 5, -2),
          leaderEpoch: choice.of(0, 0, 1, -1, -2)
        }))
      }))
      return (state) => ({ replicaId: -1, topics: topics.map(({ name, partitions }) => ({ topic: name(state), partitions })) })
    }
  },
  {
    api: deleteRecords,
    body: (choice) => {
      const topics = some(choice, () => ({
        name: anyTopic(choice),
        partitions: some(choice, () => ({ partitionIndex: anyPartition(choice), offset: choice.of(0, 1, 1, 1000, -1, -2) }))
      }))
      return (state) => ({
        topics: distinct(topics, ({ name }) => name(state)).map(({ name, partitions }) => ({
          name: name(state),
          partitions: distinct(partitions, ({ partitionIndex }) => partitionIndex)
        })),
        timeoutMs: 1000
      })
    }
  },
  {
    api: addPartitionsToTxn,
    body: (choice) => {
      const producer = anyProducer(choice)
      const verifyOnly = choice.of(true, false)
      const topics = some(choice, () => ({ name: anyTopic(choice), partitions: some(choice, () => anyPartition(choice)) }))
      return (state) => {
        const { name, id, epoch } = producer(state)
        const named = distinct(topics, (each) => each.name(state)).map((each) => ({
          name: each.name(state),
          partitions: distinct(each.partitions, (index) => index)
        }))
        return {
          transactions: [{ transactionalId: name, producerId: id, producerEpoch: epoch, verifyOnly, topics: named }],
          v3AndBelowTransactionalId: name,
          v3AndBelowProducerId: id,
          v3AndBelowProducerEpoch: epoch,
          v3AndBelowTopics: named
        }
      }
    }
  },
  {
    api: endTxn,
    body: (choice) => {
      const [producer, committed] = [anyProducer(choice), choice.of(true, false)]
      return (state) => {
        const { name, id, epoch } = producer(state)
        return { transactionalId: name, producerId: id, producerEpoch: epoch, committed }
      }
    }
  }
]
