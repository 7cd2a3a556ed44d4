/**
 * StreamsGroupTopologyDescriptionUpdate (API 93): A member of a Streams group brings the description of its topology.
 */
import { api } from '../api.js'
import { array, int16, int32, int8, message, string, struct } from '../schema.js'

const topologyDescriptionNodeFields = {
  name: string(),
  nodeType: int8(),
  sourceTopics: array(string()),
  sinkTopic: string({ absent: null, nullable: 0 }),
  stores: array(string()),
  successors: array(string())
}

const topologyDescriptionSubtopologyFields = {
  subtopologyId: string(),
  nodes: array(struct(topologyDescriptionNodeFields))
}

const topologyDescriptionGlobalStoreFields = {
  source: struct(topologyDescriptionNodeFields),
  processor: struct(topologyDescriptionNodeFields)
}

const topologyDescriptionFields = {
  subtopologies: array(struct(topologyDescriptionSubtopologyFields)),
  globalStores: array(struct(topologyDescriptionGlobalStoreFields))
}

export const streamsGroupTopologyDescriptionUpdate = api({
  key: 93,
  name: 'StreamsGroupTopologyDescriptionUpdate',
  request: message({
    name: 'StreamsGroupTopologyDescriptionUpdateRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      groupId: string(),
      memberId: string(),
      topologyEpoch: int32(),
      topologyDescription: struct(topologyDescriptionFields)
    }
  }),
  response: message({
    name: 'StreamsGroupTopologyDescriptionUpdateResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 })
    }
  })
})
