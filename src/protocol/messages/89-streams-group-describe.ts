/**
 * StreamsGroupDescribe (API 89): Describes Streams groups (KIP-1071).
 *
 * Version notes (+ field added, - field removed):
 * v1: the description of the topology, if asked for; the assignor; request + includeTopologyDescription; response +
 *   groups.topologyDescription, groups.topologyDescriptionStatus, groups.assignorName
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

const endpointFields = {
  host: string(),
  port: uint16()
}

const taskOffsetFields = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64()
}

const taskIdsFields = {
  subtopologyId: string(),
  partitions: array(int32())
}

const assignmentFields = {
  activeTasks: array(struct(taskIdsFields)),
  standbyTasks: array(struct(taskIdsFields)),
  warmupTasks: array(struct(taskIdsFields))
}

const topologyDescriptionNodeFields = {
  name: string({ since: 1 }),
  nodeType: int8({ since: 1 }),
  sourceTopics: array(string(), { since: 1 }),
  sinkTopic: string({ since: 1, absent: null, nullable: 1 }),
  stores: array(string(), { since: 1 }),
  successors: array(string(), { since: 1 })
}

const topologyDescriptionSubtopologyFields = {
  subtopologyId: string({ since: 1 }),
  nodes: array(struct(topologyDescriptionNodeFields), { since: 1 })
}

const topologyDescriptionGlobalStoreFields = {
  source: struct(topologyDescriptionNodeFields, { since: 1 }),
  processor: struct(topologyDescriptionNodeFields, { since: 1 })
}

const topologyDescriptionFields = {
  subtopologies: array(struct(topologyDescriptionSubtopologyFields), { since: 1 }),
  globalStores: array(struct(topologyDescriptionGlobalStoreFields), { since: 1 })
}

export const streamsGroupDescribe = api({
  key: 89,
  name: 'StreamsGroupDescribe',
  stable: [0, 0],
  request: message({
    name: 'StreamsGroupDescribeRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      groupIds: array(string()),
      includeAuthorizedOperations: bool(),
      includeTopologyDescription: bool({ since: 1, absent: false })
    }
  }),
  response: message({
    name: 'StreamsGroupDescribeResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      groups: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ absent: null, nullable: 0 }),
          groupId: string(),
          groupState: string(),
          groupEpoch: int32(),
          assignmentEpoch: int32(),
          topology: struct(
            {
              epoch: int32(),
              subtopologies: array(
                struct({
                  subtopologyId: string(),
                  sourceTopics: array(string()),
                  repartitionSinkTopics: array(string()),
                  stateChangelogTopics: array(struct(topicInfoFields)),
                  repartitionSourceTopics: array(struct(topicInfoFields))
                }),
                { absent: null, nullable: 0 }
              )
            },
            { absent: null, nullable: 0 }
          ),
          members: array(
            struct({
              memberId: string(),
              memberEpoch: int32(),
              instanceId: string({ absent: null, nullable: 0 }),
              rackId: string({ absent: null, nullable: 0 }),
              clientId: string(),
              clientHost: string(),
              topologyEpoch: int32(),
              processId: string(),
              userEndpoint: struct(endpointFields, { absent: null, nullable: 0 }),
              clientTags: array(struct(keyValueFields)),
              taskOffsets: array(struct(taskOffsetFields)),
              taskEndOffsets: array(struct(taskOffsetFields)),
              assignment: struct(assignmentFields),
              targetAssignment: struct(assignmentFields),
              isClassic: bool()
            })
          ),
          authorizedOperations: int32({ absent: -2147483648 }),
          topologyDescription: struct(topologyDescriptionFields, { since: 1, absent: null, nullable: 1 }),
          topologyDescriptionStatus: int8({ since: 1, absent: 0 }),
          assignorName: string({ since: 1, absent: null, nullable: 1, ignorable: true })
        })
      )
    }
  })
})
