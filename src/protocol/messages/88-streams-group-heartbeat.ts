/**
 * StreamsGroupHeartbeat (API 88): The one request of the Streams protocol: joins with a topology, receives tasks, leaves (KIP-1071).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker can ask for a description of the topology; response + acceptableRecoveryLag, topologyDescriptionRequired; response -
 *   acceptableRecoveryLagLegacy
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, int8, message, string, struct, uint16 } from '../schema.js'

const keyValueFields = {
  key: string(),
  value: string()
}

const topicInfoFields = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(struct(keyValueFields))
}

const requestTaskIdsFields = {
  subtopologyId: string(),
  partitions: array(int32())
}

const requestEndpointFields = {
  host: string(),
  port: uint16()
}

const taskOffsetFields = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64()
}

const statusFields = {
  statusCode: int8(),
  statusDetail: string()
}

const taskIdsFields = {
  subtopologyId: string(),
  partitions: array(int32())
}

const endpointFields = {
  host: string(),
  port: uint16()
}

const topicPartitionFields = {
  topic: string(),
  partitions: array(int32())
}

export const streamsGroupHeartbeat = api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  stable: [0, 0],
  request: message({
    name: 'StreamsGroupHeartbeatRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      groupId: string(),
      memberId: string(),
      memberEpoch: int32(),
      endpointInformationEpoch: int32(),
      instanceId: string({ absent: null, nullable: 0 }),
      rackId: string({ absent: null, nullable: 0 }),
      rebalanceTimeoutMs: int32({ absent: -1 }),
      topology: struct(
        {
          epoch: int32(),
          subtopologies: array(
            struct({
              subtopologyId: string(),
              sourceTopics: array(string()),
              sourceTopicRegex: array(string()),
              stateChangelogTopics: array(struct(topicInfoFields)),
              repartitionSinkTopics: array(string()),
              repartitionSourceTopics: array(struct(topicInfoFields)),
              copartitionGroups: array(
                struct({
                  sourceTopics: array(int16()),
                  sourceTopicRegex: array(int16()),
                  repartitionSourceTopics: array(int16())
                })
              )
            })
          )
        },
        { absent: null, nullable: 0 }
      ),
      activeTasks: array(struct(requestTaskIdsFields), { absent: null, nullable: 0 }),
      standbyTasks: array(struct(requestTaskIdsFields), { absent: null, nullable: 0 }),
      warmupTasks: array(struct(requestTaskIdsFields), { absent: null, nullable: 0 }),
      processId: string({ absent: null, nullable: 0 }),
      userEndpoint: struct(requestEndpointFields, { absent: null, nullable: 0 }),
      clientTags: array(struct(keyValueFields), { absent: null, nullable: 0 }),
      taskOffsets: array(struct(taskOffsetFields), { absent: null, nullable: 0 }),
      taskEndOffsets: array(struct(taskOffsetFields), { absent: null, nullable: 0 }),
      shutdownApplication: bool({ absent: false })
    }
  }),
  response: message({
    name: 'StreamsGroupHeartbeatResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 }),
      memberId: string(),
      memberEpoch: int32(),
      heartbeatIntervalMs: int32(),
      acceptableRecoveryLagLegacy: int32({ until: 0 }),
      taskOffsetIntervalMs: int32(),
      acceptableRecoveryLag: int64({ since: 1, absent: -1, ignorable: true }),
      status: array(struct(statusFields), { nullable: 0 }),
      activeTasks: array(struct(taskIdsFields), { absent: null, nullable: 0 }),
      standbyTasks: array(struct(taskIdsFields), { absent: null, nullable: 0 }),
      warmupTasks: array(struct(taskIdsFields), { absent: null, nullable: 0 }),
      topologyDescriptionRequired: bool({ since: 1, absent: false }),
      endpointInformationEpoch: int32(),
      partitionsByUserEndpoint: array(
        struct({
          userEndpoint: struct(endpointFields),
          activePartitions: array(struct(topicPartitionFields)),
          standbyPartitions: array(struct(topicPartitionFields))
        }),
        { absent: null, nullable: 0 }
      )
    }
  })
})
