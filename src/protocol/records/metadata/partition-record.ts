/** PartitionRecord: metadata record type 3. */
import { array, int32, int8, message, uuid } from '../../schema.js'

export const partitionRecord = message({
  name: 'PartitionRecord',
  versions: [0, 2],
  flexible: 0,
  fields: {
    partitionId: int32({ absent: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ absent: -1 }),
    leaderRecoveryState: int8({ absent: 0, tag: 0 }),
    leaderEpoch: int32({ absent: -1 }),
    partitionEpoch: int32({ absent: -1 }),
    directories: array(uuid(), { since: 1 }),
    eligibleLeaderReplicas: array(int32(), { since: 2, absent: null, nullable: 2, tag: 1 }),
    lastKnownElr: array(int32(), { since: 2, absent: null, nullable: 2, tag: 2 })
  }
})
