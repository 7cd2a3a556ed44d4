/** Records of `__consumer_offsets` to bytes and back. Versions as Apache Kafka 4.3.1 writes them; every older one is read. */
import { ZERO_UUID } from '../../protocol/reader.js'
import {
  decodeRecordKey,
  decodeRecordValue,
  encodeRecordKey,
  encodeRecordValue,
  recordTypeOf,
  type RecordType
} from '../../protocol/records/coordinator-record.js'
import { groupRecordTypes } from '../../protocol/records/group/index.js'
import { groupMetadata } from '../../protocol/records/group/group-metadata.js'
import { legacyOffsetCommit } from '../../protocol/records/group/legacy-offset-commit.js'
import { offsetCommit } from '../../protocol/records/group/offset-commit.js'
import type { EncodedRecord } from '../coordinator-log.js'
import type { RecordCodec } from '../runtime.js'
import { decodeConsumerRecord, encodeConsumerRecord } from './consumer/codec.js'
import type { GroupRecord, OtherKind } from './group-records.js'
import { decodeOffsetRecord, encodeOffsetRecord } from './offsets/offset-codec.js'

const GROUP_METADATA_VERSION = 3

export const groupCodec: RecordCodec<GroupRecord> = { encode, decode }

function encode(record: GroupRecord): EncodedRecord {
  switch (record.type) {
    case 'group':
      return {
        key: encodeRecordKey(groupMetadata, { group: record.groupId }),
        value: record.value && encodeRecordValue(groupMetadata, GROUP_METADATA_VERSION, record.value)
      }
    case 'offset':
      return encodeOffsetRecord(record)
    case 'consumer':
      return encodeConsumerRecord(record)
    case 'other':
      return { key: record.key, value: null }
  }
}

/**
 * Undefined for a record type that is not known: it stays in the log. Throws a WireError at a malformed record and at a version from the
 * future: to go on without it would answer with offsets that are not the group's.
 */
function decode(key: Uint8Array, value: Uint8Array | null): GroupRecord | undefined {
  const type = recordTypeOf(key)
  switch (type) {
    case groupMetadata.type:
      return { type: 'group', groupId: decodeRecordKey(groupMetadata, key).group, value: decodeRecordValue(groupMetadata, value) }
    case offsetCommit.type:
      return decodeOffsetRecord(key, value)
    case legacyOffsetCommit.type: {
      const { group: groupId, topic, partition } = decodeRecordKey(legacyOffsetCommit, key)
      const legacy = decodeRecordValue(legacyOffsetCommit, value)
      const converted = legacy && { ...legacy, leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID }
      return { type: 'offset', groupId, topic, partition, value: converted }
    }
    default:
      return decodeConsumerRecord(type, key, value) ?? decodeOther(type, key, value)
  }
}

function decodeOther(type: number, key: Uint8Array, value: Uint8Array | null): GroupRecord | undefined {
  const recordType: RecordType | undefined = groupRecordTypes.get(type)
  const kind = kindOf(type)
  if (recordType === undefined || kind === undefined) return undefined
  const { groupId } = decodeRecordKey(recordType, key) as { groupId?: string }
  return groupId === undefined ? undefined : { type: 'other', groupId, kind, key, deleted: value === null }
}

/** Which record types belong to which kind of group. */
function kindOf(type: number): OtherKind | undefined {
  if (type >= 10 && type <= 15) return 'share'
  return type >= 17 ? 'streams' : undefined
}
