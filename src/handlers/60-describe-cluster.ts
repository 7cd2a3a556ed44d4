/**
 * DescribeCluster: id of the cluster, its brokers and who controls it.
 *
 * Version notes: v1 a client says whether it means to talk to a broker or to a controller (KIP-919). v2 fenced brokers on demand (KIP-1073).
 */
import { endpointOf } from '../broker/endpoints.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeCluster } from '../protocol/messages/60-describe-cluster.js'
import { handler } from './handler.js'
import { ALL_CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from './operations.js'

const ENDPOINT_BROKER = 1
const ENDPOINT_CONTROLLER = 2

export const describeClusterHandler = handler({
  api: describeCluster,
  minVersion: 0,
  maxVersion: 2,
  handle({ endpointType, includeClusterAuthorizedOperations, includeFencedBrokers }, { listenerName }, { clusterId, metadata }) {
    if (endpointType !== ENDPOINT_BROKER) {
      const [errorCode, errorMessage] =
        endpointType === ENDPOINT_CONTROLLER
          ? [ErrorCode.MISMATCHED_ENDPOINT_TYPE, 'The request was sent to a broker, but is meant for a controller']
          : [ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`]
      return { errorCode, errorMessage, clusterId: '', brokers: [] }
    }
    const brokers = []
    for (const { id, rack, fenced } of metadata.image.brokers()) {
      if (fenced && !includeFencedBrokers) continue
      const { host, port } = endpointOf(metadata.image, id, listenerName) ?? { host: '', port: -1 }
      if (port >= 0 || fenced) brokers.push({ brokerId: id, host, port, rack, isFenced: fenced })
    }
    return {
      errorCode: ErrorCode.NONE,
      clusterId,
      controllerId: metadata.controllerId,
      brokers,
      clusterAuthorizedOperations: includeClusterAuthorizedOperations ? ALL_CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED
    }
  },
  failed: (_request, errorCode) => ({ errorCode, clusterId: '', brokers: [] })
})
