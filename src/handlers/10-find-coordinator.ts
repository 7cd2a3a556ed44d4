/**
 * FindCoordinator: the broker that coordinates a group or a transactional id. The first call makes `__consumer_offsets`, or `__transaction_state`.
 *
 * Version notes: v1 key types, error message. v3 flexible. v4 several keys at once. v5 transactions: TRANSACTION_ABORTABLE. v6 share groups.
 */
import { endpointOf } from '../broker/endpoints.js'
import type { BrokerServices } from '../broker/services.js'
import { GROUP_TOPIC } from '../coordinator/group/group-coordinator.js'
import { createInternalTopic } from '../coordinator/internal-topic.js'
import { TRANSACTION_TOPIC } from '../coordinator/transaction/transaction-coordinator.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { findCoordinator } from '../protocol/messages/10-find-coordinator.js'
import { handler } from './handler.js'

const KeyType = { group: 0, transaction: 1, share: 2 } as const
const FIRST_VERSION_WITH_KEYS = 4

interface Found {
  readonly errorCode: number
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

const NOBODY: Omit<Found, 'errorCode'> = { nodeId: -1, host: '', port: -1 }
const UNUSED: Found = { errorCode: ErrorCode.NONE, nodeId: 0, host: '', port: 0 }

export const findCoordinatorHandler = handler({
  api: findCoordinator,
  minVersion: 0,
  maxVersion: 6,
  async handle(request, { apiVersion, listenerName }, broker) {
    const refused = await refusal(request.keyType, broker)
    const find = (key: string): Found =>
      refused === ErrorCode.NONE ? findLeader(key, request.keyType, listenerName, broker) : { errorCode: refused, ...NOBODY }
    if (apiVersion >= FIRST_VERSION_WITH_KEYS) {
      return { ...UNUSED, coordinators: request.coordinatorKeys.map((key) => ({ key, ...find(key), errorMessage: '' })) }
    }
    const found = find(request.key)
    return { ...found, errorMessage: messageOf(found.errorCode) }
  },
  failed: (request, errorCode) =>
    request.coordinatorKeys.length > 0
      ? { ...UNUSED, coordinators: request.coordinatorKeys.map((key) => ({ key, errorCode, ...NOBODY, errorMessage: '' })) }
      : { errorCode, ...NOBODY }
})

/** NONE if keys of this type can be looked up now. */
async function refusal(keyType: number, broker: BrokerServices): Promise<number> {
  switch (keyType) {
    case KeyType.group:
      return whenMade(GROUP_TOPIC, broker.groups, broker)
    case KeyType.transaction:
      return whenMade(TRANSACTION_TOPIC, broker.transactions, broker)
    default:
      return ErrorCode.INVALID_REQUEST
  }
}

async function whenMade(topic: string, coordinator: { whenLoaded(): Promise<void> }, broker: BrokerServices): Promise<number> {
  if (broker.metadata.image.topicByName(topic)) return ErrorCode.NONE
  if ((await createInternalTopic(topic, broker)) !== ErrorCode.NONE) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  // Loading empty partitions takes no time; a client that came too early would back off for longer.
  await coordinator.whenLoaded()
  return ErrorCode.NONE
}

function findLeader(key: string, keyType: number, listenerName: string, broker: BrokerServices): Found {
  const { image } = broker.metadata
  const [topic, coordinator] = keyType === KeyType.group ? [GROUP_TOPIC, broker.groups] : [TRANSACTION_TOPIC, broker.transactions]
  const partition = coordinator.partitionFor(key)
  const nodeId = image.topicByName(topic)?.partitions[partition]?.leader ?? -1
  const endpoint = nodeId < 0 || broker.replicas.isOffline(topic, partition) ? undefined : endpointOf(image, nodeId, listenerName)
  if (!endpoint) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, ...NOBODY }
  return { errorCode: ErrorCode.NONE, nodeId, host: endpoint.host, port: endpoint.port }
}

/** For people; clients look at the code. */
function messageOf(errorCode: number): string {
  switch (errorCode) {
    case ErrorCode.NONE:
      return 'NONE'
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      return 'The coordinator is not available.'
    default:
      return 'There is no coordinator for keys of this type.'
  }
}
