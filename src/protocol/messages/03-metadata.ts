/**
 * Metadata (API 3): Tells which brokers there are, and leader and replicas of each partition of the topics asked for.
 *
 * Version notes (+ field added, - field removed):
 * v1: null asks for all topics and an empty list for none; racks, controller, internal topics; response + brokers.rack, controllerId,
 *   topics.isInternal
 * v2: cluster id (KIP-78); response + clusterId
 * v3: throttle time (KIP-124); response + throttleTimeMs
 * v4: whether to create missing topics; request + allowAutoTopicCreation
 * v5: offline replicas (KIP-112); response + topics.partitions.offlineReplicas
 * v6: the broker answers first and throttles afterwards (KIP-219)
 * v7: leader epochs (KIP-320); response + topics.partitions.leaderEpoch
 * v8: allowed operations (KIP-430); request + includeClusterAuthorizedOperations, includeTopicAuthorizedOperations; response +
 *   topics.topicAuthorizedOperations, clusterAuthorizedOperations
 * v9: flexible (KIP-482)
 * v10: topic ids in the answer (KIP-516); request + topics.topicId; response + topics.topicId
 * v11: allowed operations on the cluster moved to DescribeCluster (KIP-700); request - includeClusterAuthorizedOperations; response -
 *   clusterAuthorizedOperations
 * v12: look-up by topic id (KIP-516)
 * v13: an error for the whole answer, so that a client can be told to bootstrap again (KIP-1102); response + errorCode
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct, uuid } from '../schema.js'

export const metadata = api({
  key: 3,
  name: 'Metadata',
  stable: [0, 13],
  request: message({
    name: 'MetadataRequest',
    versions: [0, 13],
    flexible: 9,
    fields: {
      topics: array(
        struct({
          topicId: uuid({ since: 10, ignorable: true }),
          name: string({ nullable: 10 })
        }),
        { nullable: 1 }
      ),
      allowAutoTopicCreation: bool({ since: 4, absent: true }),
      includeClusterAuthorizedOperations: bool({ since: 8, until: 10 }),
      includeTopicAuthorizedOperations: bool({ since: 8 })
    }
  }),
  response: message({
    name: 'MetadataResponse',
    versions: [0, 13],
    flexible: 9,
    fields: {
      throttleTimeMs: int32({ since: 3, absent: 0, ignorable: true }),
      brokers: array(
        struct({
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: string({ since: 1, absent: null, nullable: 1, ignorable: true })
        })
      ),
      clusterId: string({ since: 2, absent: null, nullable: 2, ignorable: true }),
      controllerId: int32({ since: 1, absent: -1, ignorable: true }),
      topics: array(
        struct({
          errorCode: int16(),
          name: string({ nullable: 12 }),
          topicId: uuid({ since: 10, ignorable: true }),
          isInternal: bool({ since: 1, absent: false, ignorable: true }),
          partitions: array(
            struct({
              errorCode: int16(),
              partitionIndex: int32(),
              leaderId: int32(),
              leaderEpoch: int32({ since: 7, absent: -1, ignorable: true }),
              replicaNodes: array(int32()),
              isrNodes: array(int32()),
              offlineReplicas: array(int32(), { since: 5, ignorable: true })
            })
          ),
          topicAuthorizedOperations: int32({ since: 8, absent: -2147483648 })
        })
      ),
      clusterAuthorizedOperations: int32({ since: 8, until: 10, absent: -2147483648 }),
      errorCode: int16({ since: 13, ignorable: true })
    }
  })
})
