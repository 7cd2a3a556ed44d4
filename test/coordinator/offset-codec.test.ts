/** Committed offsets as records: the short way gives the bytes and the values of the general one, whatever came before. */
import test from 'ava'
import { groupCodec } from '../../src/coordinator/group/group-codec.js'
import type { CommittedOffset } from '../../src/coordinator/group/group-records.js'
import { WireError } from '../../src/errors.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { encodeRecordKey, encodeRecordValue } from '../../src/protocol/records/coordinator-record.js'
import { offsetCommit } from '../../src/protocol/records/group/offset-commit.js'

const USUAL: CommittedOffset = {
  offset: 4711,
  leaderEpoch: 3,
  metadata: '',
  commitTimestamp: 1_700_000_000_123,
  expireTimestamp: -1,
  topicId: 'xtzWWN4bTjitpL3kfd9s5g'
}

const VALUES: readonly Partial<CommittedOffset>[] = [
  {},
  { offset: 0, leaderEpoch: -1 },
  { offset: 2 ** 40 + 7, topicId: 'Xtm2Fx2fTtSrWsw1UKqcUQ' },
  { offset: Number.MAX_SAFE_INTEGER },
  { offset: 2 ** 63 },
  { metadata: 'where I was' },
  { metadata: 'x'.repeat(126) },
  { metadata: 'x'.repeat(127) },
  { metadata: 'gelesen bis Übung' },
  { topicId: ZERO_UUID },
  { expireTimestamp: 1_800_000_000_000 }
]
const PLACES = [
  ['group', 'topic', 0],
  ['group', 'topic', 1],
  ['grou', 'ptopic', 1],
  ['', 'topic', 2 ** 31 - 1],
  ['Gruppe ö', 'topic', 1],
  ['group', 'topic', 2]
] as const

test('an offset is written as the schema says, and read back', (t) => {
  for (const [groupId, topic, partition] of PLACES) {
    for (const changed of VALUES) {
      const value = { ...USUAL, ...changed }
      const { key, value: bytes } = groupCodec.encode({ type: 'offset', groupId, topic, partition, value })
      const version = value.expireTimestamp < 0 ? 4 : 1
      t.deepEqual(Buffer.from(key), encodeRecordKey(offsetCommit, { group: groupId, topic, partition }))
      t.deepEqual(bytes && Buffer.from(bytes), encodeRecordValue(offsetCommit, version, value))
      const expected = {
        ...value,
        offset: Math.min(value.offset, 2 ** 63),
        // An old version holds neither.
        ...(version === 1 ? { leaderEpoch: -1, topicId: ZERO_UUID } : {})
      }
      t.deepEqual(groupCodec.decode(key, bytes), { type: 'offset', groupId, topic, partition, value: expected })
    }
  }
})

test('a tombstone says whose offset it deletes', (t) => {
  for (const partition of [1, 2]) {
    const record = { type: 'offset', groupId: 'group', topic: 'topic', partition, value: null } as const
    const { key, value } = groupCodec.encode(record)
    t.is(value, null)
    t.deepEqual(groupCodec.decode(key, value), record)
  }
})

test('bytes that are cut off are refused, also behind a record like them', (t) => {
  const { key, value } = groupCodec.encode({ type: 'offset', groupId: 'group', topic: 'topic', partition: 7, value: USUAL })
  groupCodec.decode(key, value)
  for (let length = 2; length < key.length; length++)
    t.throws(() => groupCodec.decode(key.subarray(0, length), value), { instanceOf: WireError })
  for (let length = 0; length < value!.length; length++)
    t.throws(() => groupCodec.decode(key, value!.subarray(0, length)), { instanceOf: WireError })
})

test('bytes behind a key do not change how the next one is read', (t) => {
  const offset = (partition: number) => groupCodec.encode({ type: 'offset', groupId: 'group', topic: 'topic', partition, value: USUAL })
  const longer = (partition: number, end: number) => Buffer.concat([offset(partition).key, Buffer.from([0, 0, 0, end])])
  for (const [partition, end] of [
    [1, 8],
    [1, 9],
    [2, 9]
  ] as const)
    t.like(groupCodec.decode(longer(partition, end), null), { partition })
})
