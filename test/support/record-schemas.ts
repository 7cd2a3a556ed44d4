/** Every schema that is not a request or a response: coordinator, metadata, control and storage records. */
import type { MessageSchema } from '../../src/protocol/schema.js'
import { abortedTxn } from '../../src/protocol/records/data/aborted-txn.js'
import { consumerProtocolAssignment } from '../../src/protocol/records/data/consumer-protocol-assignment.js'
import { consumerProtocolSubscription } from '../../src/protocol/records/data/consumer-protocol-subscription.js'
import { controlRecordTypeSchema } from '../../src/protocol/records/data/control-record-type-schema.js'
import { defaultPrincipalData } from '../../src/protocol/records/data/default-principal-data.js'
import { endTxnMarker } from '../../src/protocol/records/data/end-txn-marker.js'
import { kRaftVersionRecord } from '../../src/protocol/records/data/kraft-version-record.js'
import { leaderChangeMessage } from '../../src/protocol/records/data/leader-change-message.js'
import { snapshotFooterRecord } from '../../src/protocol/records/data/snapshot-footer-record.js'
import { snapshotHeaderRecord } from '../../src/protocol/records/data/snapshot-header-record.js'
import { votersRecord } from '../../src/protocol/records/data/voters-record.js'
import {
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue
} from '../../src/protocol/records/group/consumer-group-current-member-assignment.js'
import {
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue
} from '../../src/protocol/records/group/consumer-group-member-metadata.js'
import { consumerGroupMetadataKey, consumerGroupMetadataValue } from '../../src/protocol/records/group/consumer-group-metadata.js'
import {
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue
} from '../../src/protocol/records/group/consumer-group-partition-metadata.js'
import {
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue
} from '../../src/protocol/records/group/consumer-group-regular-expression.js'
import {
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue
} from '../../src/protocol/records/group/consumer-group-target-assignment-member.js'
import {
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue
} from '../../src/protocol/records/group/consumer-group-target-assignment-metadata.js'
import { groupMetadataKey, groupMetadataValue } from '../../src/protocol/records/group/group-metadata.js'
import { legacyOffsetCommitKey, legacyOffsetCommitValue } from '../../src/protocol/records/group/legacy-offset-commit.js'
import { offsetCommitKey, offsetCommitValue } from '../../src/protocol/records/group/offset-commit.js'
import {
  shareGroupCurrentMemberAssignmentKey,
  shareGroupCurrentMemberAssignmentValue
} from '../../src/protocol/records/group/share-group-current-member-assignment.js'
import { shareGroupMemberMetadataKey, shareGroupMemberMetadataValue } from '../../src/protocol/records/group/share-group-member-metadata.js'
import { shareGroupMetadataKey, shareGroupMetadataValue } from '../../src/protocol/records/group/share-group-metadata.js'
import {
  shareGroupStatePartitionMetadataKey,
  shareGroupStatePartitionMetadataValue
} from '../../src/protocol/records/group/share-group-state-partition-metadata.js'
import {
  shareGroupTargetAssignmentMemberKey,
  shareGroupTargetAssignmentMemberValue
} from '../../src/protocol/records/group/share-group-target-assignment-member.js'
import {
  shareGroupTargetAssignmentMetadataKey,
  shareGroupTargetAssignmentMetadataValue
} from '../../src/protocol/records/group/share-group-target-assignment-metadata.js'
import {
  streamsGroupCurrentMemberAssignmentKey,
  streamsGroupCurrentMemberAssignmentValue
} from '../../src/protocol/records/group/streams-group-current-member-assignment.js'
import {
  streamsGroupMemberMetadataKey,
  streamsGroupMemberMetadataValue
} from '../../src/protocol/records/group/streams-group-member-metadata.js'
import { streamsGroupMetadataKey, streamsGroupMetadataValue } from '../../src/protocol/records/group/streams-group-metadata.js'
import {
  streamsGroupTargetAssignmentMemberKey,
  streamsGroupTargetAssignmentMemberValue
} from '../../src/protocol/records/group/streams-group-target-assignment-member.js'
import {
  streamsGroupTargetAssignmentMetadataKey,
  streamsGroupTargetAssignmentMetadataValue
} from '../../src/protocol/records/group/streams-group-target-assignment-metadata.js'
import { streamsGroupTopologyKey, streamsGroupTopologyValue } from '../../src/protocol/records/group/streams-group-topology.js'
import { abortTransactionRecord } from '../../src/protocol/records/metadata/abort-transaction-record.js'
import { accessControlEntryRecord } from '../../src/protocol/records/metadata/access-control-entry-record.js'
import { beginTransactionRecord } from '../../src/protocol/records/metadata/begin-transaction-record.js'
import { brokerRegistrationChangeRecord } from '../../src/protocol/records/metadata/broker-registration-change-record.js'
import { clearElrRecord } from '../../src/protocol/records/metadata/clear-elr-record.js'
import { clientQuotaRecord } from '../../src/protocol/records/metadata/client-quota-record.js'
import { configRecord } from '../../src/protocol/records/metadata/config-record.js'
import { delegationTokenRecord } from '../../src/protocol/records/metadata/delegation-token-record.js'
import { endTransactionRecord } from '../../src/protocol/records/metadata/end-transaction-record.js'
import { featureLevelRecord } from '../../src/protocol/records/metadata/feature-level-record.js'
import { fenceBrokerRecord } from '../../src/protocol/records/metadata/fence-broker-record.js'
import { noOpRecord } from '../../src/protocol/records/metadata/no-op-record.js'
import { partitionChangeRecord } from '../../src/protocol/records/metadata/partition-change-record.js'
import { partitionRecord } from '../../src/protocol/records/metadata/partition-record.js'
import { producerIdsRecord } from '../../src/protocol/records/metadata/producer-ids-record.js'
import { registerBrokerRecord } from '../../src/protocol/records/metadata/register-broker-record.js'
import { registerControllerRecord } from '../../src/protocol/records/metadata/register-controller-record.js'
import { removeAccessControlEntryRecord } from '../../src/protocol/records/metadata/remove-access-control-entry-record.js'
import { removeDelegationTokenRecord } from '../../src/protocol/records/metadata/remove-delegation-token-record.js'
import { removeTopicRecord } from '../../src/protocol/records/metadata/remove-topic-record.js'
import { removeUserScramCredentialRecord } from '../../src/protocol/records/metadata/remove-user-scram-credential-record.js'
import { topicRecord } from '../../src/protocol/records/metadata/topic-record.js'
import { unfenceBrokerRecord } from '../../src/protocol/records/metadata/unfence-broker-record.js'
import { unregisterBrokerRecord } from '../../src/protocol/records/metadata/unregister-broker-record.js'
import { unregisterControllerRecord } from '../../src/protocol/records/metadata/unregister-controller-record.js'
import { userScramCredentialRecord } from '../../src/protocol/records/metadata/user-scram-credential-record.js'
import { zkMigrationStateRecord } from '../../src/protocol/records/metadata/zk-migration-state-record.js'
import { quorumStateData } from '../../src/protocol/records/raft/quorum-state-data.js'
import { shareSnapshotKey, shareSnapshotValue } from '../../src/protocol/records/share/share-snapshot.js'
import { shareUpdateKey, shareUpdateValue } from '../../src/protocol/records/share/share-update.js'
import { producerSnapshot } from '../../src/protocol/records/storage/producer-snapshot.js'
import { remoteLogSegmentMetadataRecord } from '../../src/protocol/records/storage/remote-log-segment-metadata-record.js'
import { remoteLogSegmentMetadataSnapshotRecord } from '../../src/protocol/records/storage/remote-log-segment-metadata-snapshot-record.js'
import { remoteLogSegmentMetadataUpdateRecord } from '../../src/protocol/records/storage/remote-log-segment-metadata-update-record.js'
import { remotePartitionDeleteMetadataRecord } from '../../src/protocol/records/storage/remote-partition-delete-metadata-record.js'
import { transactionLogKey, transactionLogValue } from '../../src/protocol/records/transaction/transaction-log.js'

export const recordSchemas: readonly MessageSchema[] = [
  abortedTxn,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  controlRecordTypeSchema,
  defaultPrincipalData,
  endTxnMarker,
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
  groupMetadataKey,
  groupMetadataValue,
  legacyOffsetCommitKey,
  legacyOffsetCommitValue,
  offsetCommitKey,
  offsetCommitValue,
  shareGroupCurrentMemberAssignmentKey,
  shareGroupCurrentMemberAssignmentValue,
  shareGroupMemberMetadataKey,
  shareGroupMemberMetadataValue,
  shareGroupMetadataKey,
  shareGroupMetadataValue,
  shareGroupStatePartitionMetadataKey,
  shareGroupStatePartitionMetadataValue,
  shareGroupTargetAssignmentMemberKey,
  shareGroupTargetAssignmentMemberValue,
  shareGroupTargetAssignmentMetadataKey,
  shareGroupTargetAssignmentMetadataValue,
  streamsGroupCurrentMemberAssignmentKey,
  streamsGroupCurrentMemberAssignmentValue,
  streamsGroupMemberMetadataKey,
  streamsGroupMemberMetadataValue,
  streamsGroupMetadataKey,
  streamsGroupMetadataValue,
  streamsGroupTargetAssignmentMemberKey,
  streamsGroupTargetAssignmentMemberValue,
  streamsGroupTargetAssignmentMetadataKey,
  streamsGroupTargetAssignmentMetadataValue,
  streamsGroupTopologyKey,
  streamsGroupTopologyValue,
  abortTransactionRecord,
  accessControlEntryRecord,
  beginTransactionRecord,
  brokerRegistrationChangeRecord,
  clearElrRecord,
  clientQuotaRecord,
  configRecord,
  delegationTokenRecord,
  endTransactionRecord,
  featureLevelRecord,
  fenceBrokerRecord,
  noOpRecord,
  partitionChangeRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  registerControllerRecord,
  removeAccessControlEntryRecord,
  removeDelegationTokenRecord,
  removeTopicRecord,
  removeUserScramCredentialRecord,
  topicRecord,
  unfenceBrokerRecord,
  unregisterBrokerRecord,
  unregisterControllerRecord,
  userScramCredentialRecord,
  zkMigrationStateRecord,
  quorumStateData,
  shareSnapshotKey,
  shareSnapshotValue,
  shareUpdateKey,
  shareUpdateValue,
  producerSnapshot,
  remoteLogSegmentMetadataRecord,
  remoteLogSegmentMetadataSnapshotRecord,
  remoteLogSegmentMetadataUpdateRecord,
  remotePartitionDeleteMetadataRecord,
  transactionLogKey,
  transactionLogValue
]
