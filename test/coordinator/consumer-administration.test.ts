/** What administrators get who ask about consumer groups (KIP-848) with the requests of classic ones. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { leaveGroup } from '../../src/protocol/messages/13-leave-group.js'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { startBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { Session, settled } from '../takeover/session.js'

const MEMBER = { memberEpoch: 0, rackId: null, rebalanceTimeoutMs: 60_000, serverAssignor: null, subscribedTopicRegex: null }

test('a consumer group is told from one that is not there, and a member is removed by its instance id', async (t) => {
  const broker = await startBroker()
  t.teardown(() => broker.stop())
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  const { client } = session
  const [groupId, memberId, none] = [uniqueName('group'), 'm', uniqueName('none')]
  await session.coordinator(groupId, 0)
  const join = { ...MEMBER, groupId, memberId, instanceId: 'i', subscribedTopicNames: ['t'], topicPartitions: [] }
  t.is((await settled(() => client.request(consumerGroupHeartbeat, 1, join))).errorCode, ErrorCode.NONE)

  const { groups } = await client.request(describeGroups, 6, { groups: [groupId, none], includeAuthorizedOperations: false })
  t.deepEqual(
    groups.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]),
    [
      [ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a classic group.`],
      [ErrorCode.GROUP_ID_NOT_FOUND, `Group ${none} not found.`]
    ]
  )

  // Each is answered as it was asked for; who is named twice leaves once.
  const removed = { memberId: '', groupInstanceId: 'i', reason: null }
  const stranger = { memberId: 'x', groupInstanceId: 'i', reason: null }
  const { members } = await client.request(leaveGroup, 5, { groupId, memberId: '', members: [stranger, removed, removed] })
  t.deepEqual(
    members.map((member) => [member.memberId, member.errorCode]),
    [
      ['x', ErrorCode.FENCED_INSTANCE_ID],
      ['', ErrorCode.NONE],
      ['', ErrorCode.NONE]
    ]
  )
  const described = await client.request(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
  t.is(described.groups[0]!.groupState, 'Empty')
})
