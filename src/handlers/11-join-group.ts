/**
 * JoinGroup: a member enters the next generation of its group. Parked until the generation begins.
 *
 * Version notes: v1 rebalance time-out. v4 a member without id is told one first (KIP-394). v5 static members (KIP-345). v6 flexible. v7 the
 * protocol type, and a nullable protocol name. v8 the reason. v9 a leader may be told to skip the assignment (KIP-814).
 */
import { joinGroup } from '../protocol/messages/11-join-group.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITHOUT_PROTOCOL = 7

export const joinGroupHandler = handler({
  api: joinGroup,
  minVersion: 0,
  maxVersion: 9,
  parks: true,
  async handle(request, context, broker) {
    const response = await broker.groups.joinGroup(request, context)
    return { ...response, protocolName: response.protocolName ?? noProtocol(context.apiVersion) }
  },
  failed: ({ memberId }, errorCode) => ({ errorCode, protocolName: '', leader: '', memberId, members: [] })
})

function noProtocol(apiVersion: number): string | null {
  return apiVersion >= FIRST_VERSION_WITHOUT_PROTOCOL ? null : ''
}
