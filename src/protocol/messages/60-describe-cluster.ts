/**
 * DescribeCluster (API 60): Describes the cluster: its id, controller, brokers or controllers (KIP-700).
 *
 * Version notes (+ field added, - field removed):
 * v1: brokers or controllers (KIP-919); request + endpointType; response + endpointType
 * v2: fenced brokers, if asked for (KIP-1073); request + includeFencedBrokers; response + brokers.isFenced
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct } from '../schema.js'

export const describeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  stable: [0, 2],
  request: message({
    name: 'DescribeClusterRequest',
    versions: [0, 2],
    flexible: 0,
    fields: {
      includeClusterAuthorizedOperations: bool(),
      endpointType: int8({ since: 1, absent: 1 }),
      includeFencedBrokers: bool({ since: 2 })
    }
  }),
  response: message({
    name: 'DescribeClusterResponse',
    versions: [0, 2],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 }),
      endpointType: int8({ since: 1, absent: 1 }),
      clusterId: string(),
      controllerId: int32({ absent: -1 }),
      brokers: array(
        struct({
          brokerId: int32(),
          host: string(),
          port: int32(),
          rack: string({ absent: null, nullable: 0 }),
          isFenced: bool({ since: 2 })
        })
      ),
      clusterAuthorizedOperations: int32({ absent: -2147483648 })
    }
  })
})
