/** What the broker and the copiers have to say when a pipeline does not get on: for the message of a round that failed. */
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import type { Session } from '../takeover/session.js'
import { GROUP, INPUT, PARTITIONS, type World } from './world.js'

async function group({ client }: Session, protocol: 'classic' | 'consumer'): Promise<readonly string[]> {
  if (protocol === 'consumer') {
    const { groups } = await client.request(consumerGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false })
    return groups.flatMap(({ errorCode, groupState, groupEpoch, assignmentEpoch, members }) => [
      `group: error ${errorCode}, ${groupState}, epochs ${groupEpoch} and ${assignmentEpoch}`,
      ...members.map(({ memberId, memberEpoch, clientId, assignment, targetAssignment }) => {
        const [has, wanted] = [assignment, targetAssignment].map(({ topicPartitions }) =>
          topicPartitions.map((each) => each.partitions).join()
        )
        return `  ${clientId} ${memberId} at ${memberEpoch} has ${has}, is to have ${wanted}`
      })
    ])
  }
  const { groups } = await client.request(describeGroups, 6, { groups: [GROUP], includeAuthorizedOperations: false })
  return groups.flatMap(({ errorCode, groupState, protocolData, members }) => [
    `group: error ${errorCode}, ${groupState} ${protocolData}`,
    ...members.map(({ memberId, memberAssignment }) => `  ${memberId} has ${Buffer.from(memberAssignment).toString('hex')}`)
  ])
}

async function transactions({ client }: Session): Promise<readonly string[]> {
  const { transactionStates } = await client.request(listTransactions, 1, { stateFilters: [], producerIdFilters: [], durationFilter: -1 })
  const transactionalIds = transactionStates.map(({ transactionalId }) => transactionalId)
  const described = await client.request(describeTransactions, 0, { transactionalIds })
  return described.transactionStates.map(
    ({ transactionalId, transactionState, producerId, producerEpoch, topics }) =>
      `${transactionalId}: ${transactionState}, producer ${producerId} epoch ${producerEpoch}, in ${topics.map(({ topic, partitions }) => `${topic} ${partitions.join()}`).join(' and ')}`
  )
}

async function offsets({ client }: Session): Promise<readonly string[]> {
  const partitionIndexes = Array.from({ length: PARTITIONS }, (_, index) => index)
  const lines = []
  for (const requireStable of [false, true]) {
    const { topics } = await client.request(offsetFetch, 7, { groupId: GROUP, topics: [{ name: INPUT, partitionIndexes }], requireStable })
    const found = topics.flatMap(({ partitions }) =>
      partitions.map((each) => `${each.partitionIndex}: ${each.committedOffset} (${each.errorCode})`)
    )
    lines.push(`${requireStable ? 'stable ' : ''}offsets ${found.join(', ')}`)
  }
  return lines
}

/** Lines; whatever cannot be asked for is told as such. */
export async function standstill(world: World): Promise<readonly string[]> {
  const session = await world.session().catch(() => undefined)
  if (session === undefined) return ['nobody answers']
  const lines: string[] = []
  for (const question of [group, offsets, transactions])
    lines.push(
      ...(await question(session, world.plan.protocol).catch((error: unknown) => [`${question.name}: ${(error as Error).message}`]))
    )
  session.close()
  return lines
}
