/** Records of consumer groups as scenario texts show them. */
import type { ConsumerRecord, OwnedPartitionsValue, TopicPartitionsValue } from '../../../src/coordinator/group/group-records.js'
import { nameOfId } from './sim-topics.js'

export function formatConsumerRecord(record: ConsumerRecord): string {
  const name = 'memberId' in record ? `${record.groupId}/${record.memberId}` : record.groupId
  if (record.value === null) return `${record.part} ${name}${record.part === 'regex' ? ` ${record.regex}` : ''} deleted`
  switch (record.part) {
    case 'group':
      return `group ${name} epoch=${record.value.epoch}`
    case 'partition-metadata':
      return `partition-metadata ${name}`
    case 'member': {
      const {
        subscribedTopicNames: topics,
        subscribedTopicRegex: regex,
        instanceId,
        serverAssignor,
        rackId,
        classicMemberMetadata
      } = record.value
      const parts = [
        topics.length > 0 && `topics=${topics.join('+')}`,
        regex && `regex=${regex}`,
        instanceId && `instance=${instanceId}`,
        rackId && `rack=${rackId}`,
        serverAssignor && `assignor=${serverAssignor}`,
        classicMemberMetadata && `classic=${classicMemberMetadata.supportedProtocols.map((protocol) => protocol.name).join('+')}`
      ]
      return ['member', name, ...parts.filter(Boolean)].join(' ')
    }
    case 'target-epoch':
      return `target-epoch ${name} ${record.value.assignmentEpoch}`
    case 'target':
      return `target ${name} ${formatPartitions(record.value.topicPartitions)}`
    case 'current': {
      const { memberEpoch, previousMemberEpoch, state, assignedPartitions, partitionsPendingRevocation } = record.value
      const revoking = partitionsPendingRevocation.length === 0 ? '' : ` revoking=${formatPartitions(partitionsPendingRevocation)}`
      const stateName = ['stable', 'unrevoked', 'unreleased'][state] ?? state
      return `current ${name} epoch=${previousMemberEpoch}->${memberEpoch} ${stateName} ${formatPartitions(assignedPartitions)}${revoking}`
    }
    case 'regex':
      return `regex ${name} ${record.regex} = ${record.value.topics.join('+') || '-'}`
  }
}

/** The ids of topics in tests are their names, filled up. */
export function formatPartitions(value: readonly (TopicPartitionsValue | OwnedPartitionsValue)[]): string {
  const shown = value.map((each) => {
    const epochs = 'assignmentEpochs' in each ? each.assignmentEpochs : undefined
    const partitions = each.partitions.map((partition, at) => (epochs ? `${partition}@${epochs[at]}` : String(partition)))
    return `${nameOfId(each.topicId)}:${partitions.join(',')}`
  })
  return shown.join(' ') || '-'
}
