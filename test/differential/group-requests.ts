/** Requests of groups and transactions that are wrong in one way or another: each field right, stale, foreign, empty or out of bounds by chance. */
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.js'
import { leaveGroup } from '../../src/protocol/messages/13-leave-group.js'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.js'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.js'
import { deleteGroups } from '../../src/protocol/messages/42-delete-groups.js'
import { offsetDelete } from '../../src/protocol/messages/47-offset-delete.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import {
  anyGroup,
  anyMember,
  anyGeneration,
  anyInstance,
  anyTopic,
  anyTopicId,
  anyPartition,
  commitTopics,
  anyProducer,
  type GroupRef
} from './group-chances.js'
import type { State } from './group-side.js'
import type { KindOf } from './rounds.js'

type Kind = KindOf<State>

export const groupKinds: readonly Kind[] = [
  {
    api: offsetCommit,
    body: (choice) => {
      const [group, member, generation, instance, topics] = [
        anyGroup(choice),
        anyMember(choice),
        anyGeneration(choice),
        anyInstance(choice),
        commitTopics(choice)
      ]
      return (state) => ({
        groupId: group(state),
        memberId: member(state),
        generationIdOrMemberEpoch: generation(state),
        groupInstanceId: instance(state),
        topics: topics(state)
      })
    }
  },
  {
    api: offsetFetch,
    body: (choice) => {
      const [groupId, topic, topicId, partition, member, epoch] = [
        anyGroup(choice),
        anyTopic(choice),
        anyTopicId(choice),
        anyPartition(choice),
        choice.of<(state: State) => string | null>(() => null, anyMember(choice)),
        anyGeneration(choice)
      ]
      return (state) => {
        const topics = [{ name: topic(state), topicId: topicId(state), partitionIndexes: [partition] }]
        const memberId = member(state)
        const groups = [{ groupId: groupId(state), memberId, memberEpoch: memberId === null ? -1 : epoch(state), topics }]
        return { groupId: groupId(state), topics, groups, requireStable: false }
      }
    }
  },
  {
    api: findCoordinator,
    body: (choice) => {
      const [key, keyType] = [choice.of('', 'g', 'x'.repeat(300)), choice.of(0, 1, 3, -1)]
      return () => ({ key, keyType, coordinatorKeys: [key] })
    }
  },
  {
    api: joinGroup,
    body: (choice, version) => {
      const [group, someone, instance] = [
        anyGroup(choice),
        choice.of<GroupRef>(
          () => 'stranger',
          () => ''
        ),
        choice.of<(state: State) => string | null>(
          () => null,
          () => 'foreign'
        )
      ]
      const timeout = choice.of(1, 10_000_000)
      // What could be taken would wait for the others, or make a group that nobody ends: one thing is always wrong.
      const wrong = choice.of('type', 'timeout', 'protocols', version >= 4 ? 'id' : 'type')
      return (state) => ({
        groupId: wrong === 'id' ? state.classic.group : group(state),
        // A new member that is refused leaves an empty group behind in Kafka, and none here.
        memberId: wrong === 'id' || group(state) === 'none' ? 'stranger' : someone(state),
        groupInstanceId: wrong === 'id' ? null : instance(state),
        sessionTimeoutMs: wrong === 'timeout' ? timeout : 60_000,
        rebalanceTimeoutMs: 1000,
        protocolType: wrong === 'type' ? '' : 'consumer',
        protocols: wrong === 'protocols' ? [] : [{ name: 'other', metadata: Buffer.alloc(0) }]
      })
    }
  },
  {
    api: heartbeat,
    body: (choice) => {
      const [group, member, generation, instance] = [anyGroup(choice), anyMember(choice), anyGeneration(choice), anyInstance(choice)]
      return (state) => ({
        groupId: group(state),
        memberId: member(state),
        generationId: generation(state),
        groupInstanceId: instance(state)
      })
    }
  },
  {
    api: leaveGroup,
    body: (choice) => {
      const group = anyGroup(choice)
      const instance = choice.of<string | null>(null, 'foreign', '')
      const memberId = choice.of('stranger', '')
      return (state) => ({ groupId: group(state), memberId, members: [{ memberId, groupInstanceId: instance }] })
    }
  },
  {
    api: syncGroup,
    body: (choice) => {
      const [group, member, generation, instance] = [anyGroup(choice), anyMember(choice), anyGeneration(choice), anyInstance(choice)]
      const [protocolType, protocolName] = [
        choice.of<string | null>('consumer', null, 'other'),
        choice.of<string | null>('range', null, 'other')
      ]
      const assigned = choice.of<GroupRef>(
        ({ classic }) => classic.member,
        () => 'stranger'
      )
      return (state) => ({
        groupId: group(state),
        memberId: member(state),
        generationId: generation(state),
        groupInstanceId: instance(state),
        protocolType,
        protocolName,
        assignments: [{ memberId: assigned(state), assignment: Buffer.from('for others') }]
      })
    }
  },
  {
    api: describeGroups,
    body: (choice) => {
      const group = anyGroup(choice)
      return (state) => ({ groups: [group(state)], includeAuthorizedOperations: false })
    }
  },
  {
    api: initProducerId,
    body: (choice, version) => {
      const producer = anyProducer(choice)
      const transactionTimeoutMs = choice.of(0, -1, 900_001, 2_147_483_647)
      const [known, timed] = [choice.of(true, false) && version >= 3, choice.of(true, false)]
      return (state) => {
        const { id, producerId, epoch } = producer(state)
        // One that may be taken ends the transaction that later requests rely on.
        const right =
          id === state.transaction.id && (!known || (producerId === state.transaction.producerId && epoch >= state.transaction.epoch))
        return {
          transactionalId: id,
          transactionTimeoutMs: timed || right || id === 'no-such-id' ? transactionTimeoutMs : 60_000,
          ...(known ? { producerId, producerEpoch: epoch } : { producerId: -1, producerEpoch: -1 })
        }
      }
    }
  },
  {
    api: addPartitionsToTxn,
    body: (choice) => {
      const [producer, topic, partition, verifyOnly] = [anyProducer(choice), anyTopic(choice), anyPartition(choice), choice.of(true, false)]
      return (state) => {
        const { id, producerId, epoch } = producer(state)
        const topics = [{ name: topic(state), partitions: [partition] }]
        return {
          transactions: [{ transactionalId: id, producerId, producerEpoch: epoch, verifyOnly, topics }],
          v3AndBelowTransactionalId: id,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: epoch,
          v3AndBelowTopics: topics
        }
      }
    }
  },
  {
    api: addOffsetsToTxn,
    body: (choice) => {
      const [producer, group] = [anyProducer(choice), anyGroup(choice)]
      return (state) => {
        const { id, producerId, epoch } = producer(state)
        return { transactionalId: id, producerId, producerEpoch: epoch, groupId: group(state) }
      }
    }
  },
  {
    api: endTxn,
    body: (choice) => {
      const [producer, committed] = [anyProducer(choice), choice.of(true, false)]
      return (state) => {
        const { id, producerId, epoch } = producer(state)
        return { transactionalId: id, producerId, producerEpoch: epoch, committed }
      }
    }
  },
  {
    api: txnOffsetCommit,
    body: (choice) => {
      const [producer, group, member, generation, instance, topics] = [
        anyProducer(choice),
        anyGroup(choice),
        anyMember(choice),
        anyGeneration(choice),
        anyInstance(choice),
        commitTopics(choice)
      ]
      return (state) => {
        const { id, producerId, epoch } = producer(state)
        return {
          transactionalId: id,
          producerId,
          producerEpoch: epoch,
          groupId: group(state),
          memberId: member(state),
          generationIdOrMemberEpoch: generation(state),
          groupInstanceId: instance(state),
          topics: topics(state)
        }
      }
    }
  },
  {
    api: deleteGroups,
    body: (choice) => {
      const group = anyGroup(choice)
      return (state) => ({ groupsNames: [group(state)] })
    }
  },
  {
    api: offsetDelete,
    body: (choice) => {
      const [group, topic, partitionIndex] = [anyGroup(choice), anyTopic(choice), anyPartition(choice)]
      return (state) => ({ groupId: group(state), topics: [{ name: topic(state), partitions: [{ partitionIndex }] }] })
    }
  },
  {
    api: describeTransactions,
    body: (choice) => {
      const producer = anyProducer(choice)
      return (state) => ({ transactionalIds: [producer(state).id] })
    }
  },
  {
    api: listTransactions,
    body: (choice) => {
      const [states, pattern] = [
        choice.of<string[]>(['Nope'], ['Ongoing'], []),
        choice.of<string | null>(null, '', '(', 'a**', '(?=x)', '.*-none')
      ]
      const durationFilter = choice.of(-1, 0)
      return () => ({ stateFilters: states, producerIdFilters: [-5], durationFilter, transactionalIdPattern: pattern })
    }
  },
  {
    api: consumerGroupHeartbeat,
    body: (choice) => {
      const [group, member] = [
        anyGroup(choice),
        choice.of<GroupRef>(
          ({ consumer }) => consumer.member,
          () => 'stranger',
          () => ''
        )
      ]
      const off = choice.of<number | null>(0, 1, -1, null)
      const epoch = choice.of(-1, -2, -3, 1)
      const [instanceId, rackId] = [choice.of<string | null>(null, null, '', 'foreign'), choice.of<string | null>(null, null, '')]
      const [topics, regex] = [choice.of<string[] | null>(null, null, []), choice.of<string | null>(null, null, '(', '', 'x[')]
      const [rebalanceTimeoutMs, serverAssignor] = [choice.of(-1, 0, 1000), choice.of<string | null>(null, null, 'none', '')]
      const owned = choice.of<number[] | null>(null, [], [7])
      return (state) => ({
        groupId: group(state),
        memberId: member(state),
        memberEpoch: off === null ? epoch : state.consumer.epoch + off,
        instanceId,
        rackId,
        rebalanceTimeoutMs,
        subscribedTopicNames: topics,
        subscribedTopicRegex: regex,
        serverAssignor,
        topicPartitions: owned && [{ topicId: state.topicId, partitions: owned }]
      })
    }
  },
  {
    api: consumerGroupDescribe,
    body: (choice) => {
      const group = anyGroup(choice)
      return (state) => ({ groupIds: [group(state)], includeAuthorizedOperations: false })
    }
  }
]
