/** The record types of `__consumer_offsets`, by the number that stands before the key. */
import type { RecordType } from '../coordinator-record.js'
import { legacyOffsetCommit } from './legacy-offset-commit.js'
import { offsetCommit } from './offset-commit.js'
import { groupMetadata } from './group-metadata.js'
import { consumerGroupMetadata } from './consumer-group-metadata.js'
import { consumerGroupPartitionMetadata } from './consumer-group-partition-metadata.js'
import { consumerGroupMemberMetadata } from './consumer-group-member-metadata.js'
import { consumerGroupTargetAssignmentMetadata } from './consumer-group-target-assignment-metadata.js'
import { consumerGroupTargetAssignmentMember } from './consumer-group-target-assignment-member.js'
import { consumerGroupCurrentMemberAssignment } from './consumer-group-current-member-assignment.js'
import { shareGroupMemberMetadata } from './share-group-member-metadata.js'
import { shareGroupMetadata } from './share-group-metadata.js'
import { shareGroupTargetAssignmentMetadata } from './share-group-target-assignment-metadata.js'
import { shareGroupTargetAssignmentMember } from './share-group-target-assignment-member.js'
import { shareGroupCurrentMemberAssignment } from './share-group-current-member-assignment.js'
import { shareGroupStatePartitionMetadata } from './share-group-state-partition-metadata.js'
import { consumerGroupRegularExpression } from './consumer-group-regular-expression.js'
import { streamsGroupMetadata } from './streams-group-metadata.js'
import { streamsGroupMemberMetadata } from './streams-group-member-metadata.js'
import { streamsGroupTargetAssignmentMetadata } from './streams-group-target-assignment-metadata.js'
import { streamsGroupTargetAssignmentMember } from './streams-group-target-assignment-member.js'
import { streamsGroupCurrentMemberAssignment } from './streams-group-current-member-assignment.js'
import { streamsGroupTopology } from './streams-group-topology.js'

export const groupRecordTypes: ReadonlyMap<number, RecordType> = new Map(
  [
    legacyOffsetCommit,
    offsetCommit,
    groupMetadata,
    consumerGroupMetadata,
    consumerGroupPartitionMetadata,
    consumerGroupMemberMetadata,
    consumerGroupTargetAssignmentMetadata,
    consumerGroupTargetAssignmentMember,
    consumerGroupCurrentMemberAssignment,
    shareGroupMemberMetadata,
    shareGroupMetadata,
    shareGroupTargetAssignmentMetadata,
    shareGroupTargetAssignmentMember,
    shareGroupCurrentMemberAssignment,
    shareGroupStatePartitionMetadata,
    consumerGroupRegularExpression,
    streamsGroupMetadata,
    streamsGroupMemberMetadata,
    streamsGroupTargetAssignmentMetadata,
    streamsGroupTargetAssignmentMember,
    streamsGroupCurrentMemberAssignment,
    streamsGroupTopology
  ].map((each) => [each.type, each as RecordType])
)
