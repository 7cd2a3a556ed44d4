/**
 * StreamsGroupTopology, records of type 23: The topology of a Streams group: subtopologies, source, sink, repartition and changelog
 * topics (KIP-1071).
 */
import { recordType } from '../coordinator-record.js'
import { array, int16, int32, message, string, struct } from '../../schema.js'

const topicConfigFields = {
  key: string(),
  value: string()
}

const topicInfoFields = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(struct(topicConfigFields))
}

export const streamsGroupTopologyKey = message({
  name: 'StreamsGroupTopologyKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const streamsGroupTopologyValue = message({
  name: 'StreamsGroupTopologyValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
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
  }
})

export const streamsGroupTopology = recordType(23, streamsGroupTopologyKey, streamsGroupTopologyValue)
