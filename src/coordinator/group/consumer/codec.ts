/** Records of consumer groups to bytes and back (KIP-848). */
import {
  decodeRecordKey,
  decodeRecordValue,
  encodeRecordKey,
  encodeRecordValue,
  type RecordType
} from '../../../protocol/records/coordinator-record.js'
import { consumerGroupCurrentMemberAssignment } from '../../../protocol/records/group/consumer-group-current-member-assignment.js'
import { consumerGroupMemberMetadata } from '../../../protocol/records/group/consumer-group-member-metadata.js'
import { consumerGroupMetadata } from '../../../protocol/records/group/consumer-group-metadata.js'
import { consumerGroupPartitionMetadata } from '../../../protocol/records/group/consumer-group-partition-metadata.js'
import { consumerGroupRegularExpression } from '../../../protocol/records/group/consumer-group-regular-expression.js'
import { consumerGroupTargetAssignmentMember } from '../../../protocol/records/group/consumer-group-target-assignment-member.js'
import { consumerGroupTargetAssignmentMetadata } from '../../../protocol/records/group/consumer-group-target-assignment-metadata.js'
import type { InputOf } from '../../../protocol/schema.js'
import type { EncodedRecord } from '../../coordinator-log.js'
import type { ConsumerRecord } from '../group-records.js'

const VERSION = 0

export function encodeConsumerRecord(record: ConsumerRecord): EncodedRecord {
  const { groupId } = record
  switch (record.part) {
    case 'group':
      return encoded(consumerGroupMetadata, { groupId }, record.value)
    case 'partition-metadata':
      return encoded(consumerGroupPartitionMetadata, { groupId }, null)
    case 'member':
      return encoded(consumerGroupMemberMetadata, { groupId, memberId: record.memberId }, record.value)
    case 'target-epoch':
      return encoded(consumerGroupTargetAssignmentMetadata, { groupId }, record.value)
    case 'target':
      return encoded(consumerGroupTargetAssignmentMember, { groupId, memberId: record.memberId }, record.value)
    case 'current':
      return encoded(consumerGroupCurrentMemberAssignment, { groupId, memberId: record.memberId }, record.value)
    case 'regex':
      return encoded(consumerGroupRegularExpression, { groupId, regularExpression: record.regex }, record.value)
  }
}

function encoded<T extends RecordType>(type: T, key: InputOf<T['key']>, value: object | null): EncodedRecord {
  return { key: encodeRecordKey(type, key), value: value && encodeRecordValue(type, VERSION, value as InputOf<T['value']>) }
}

/** The hash has all its 64 bits. */
function groupValue(value: Uint8Array | null): { readonly epoch: number; readonly metadataHash: bigint } | null {
  const decoded = decodeRecordValue(consumerGroupMetadata, value, 'exact')
  return decoded && { epoch: decoded.epoch, metadataHash: decoded.metadataHash as unknown as bigint }
}

/** Undefined: a record of something else. */
export function decodeConsumerRecord(type: number, key: Uint8Array, value: Uint8Array | null): ConsumerRecord | undefined {
  switch (type) {
    case consumerGroupMetadata.type:
      return {
        type: 'consumer',
        part: 'group',
        ...decodeRecordKey(consumerGroupMetadata, key),
        value: groupValue(value)
      }
    case consumerGroupPartitionMetadata.type: {
      const { groupId } = decodeRecordKey(consumerGroupPartitionMetadata, key)
      return { type: 'consumer', part: 'partition-metadata', groupId, value: value && {} }
    }
    case consumerGroupMemberMetadata.type: {
      const { groupId, memberId } = decodeRecordKey(consumerGroupMemberMetadata, key)
      return { type: 'consumer', part: 'member', groupId, memberId, value: decodeRecordValue(consumerGroupMemberMetadata, value) }
    }
    case consumerGroupTargetAssignmentMetadata.type: {
      const { groupId } = decodeRecordKey(consumerGroupTargetAssignmentMetadata, key)
      return { type: 'consumer', part: 'target-epoch', groupId, value: decodeRecordValue(consumerGroupTargetAssignmentMetadata, value) }
    }
    case consumerGroupTargetAssignmentMember.type: {
      const { groupId, memberId } = decodeRecordKey(consumerGroupTargetAssignmentMember, key)
      return { type: 'consumer', part: 'target', groupId, memberId, value: decodeRecordValue(consumerGroupTargetAssignmentMember, value) }
    }
    case consumerGroupCurrentMemberAssignment.type: {
      const { groupId, memberId } = decodeRecordKey(consumerGroupCurrentMemberAssignment, key)
      return { type: 'consumer', part: 'current', groupId, memberId, value: decodeRecordValue(consumerGroupCurrentMemberAssignment, value) }
    }
    case consumerGroupRegularExpression.type: {
      const { groupId, regularExpression: regex } = decodeRecordKey(consumerGroupRegularExpression, key)
      return { type: 'consumer', part: 'regex', groupId, regex, value: decodeRecordValue(consumerGroupRegularExpression, value) }
    }
    default:
      return undefined
  }
}
