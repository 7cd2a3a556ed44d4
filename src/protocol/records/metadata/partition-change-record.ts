/** PartitionChangeRecord: metadata record type 5. */
import { array, int32, int8, message, uuid } from '../../schema.js'

export const partitionChangeRecord = message({
  name: 'PartitionChangeRecord',
  versions: [0, 2],
  flexible: 0,
  fields: {
    partitionId: int32({ absent: -1 }),
    topicId: uuid(),
    isr: array(int32(), { absent: null, nullable: 0, tag: 0 }),
    leader: int32({ absent: -2, tag: 1 }),
    replicas: array(int32(), { absent: null, nullable: 0, tag: 2 }),
    removingReplicas: array(int32(), { absent: null, nullable: 0, tag: 3 }),
    addingReplicas: array(int32(), { absent: null, nullable: 0, tag: 4 }),
    leaderRecoveryState: int8({ absent: -1, tag: 5 }),
    directories: array(uuid(), { since: 1, absent: null, nullable: 1, tag: 8 }),
    eligibleLeaderReplicas: array(int32(), { since: 2, absent: null, nullable: 2, tag: 6 }),
    lastKnownElr: array(int32(), { since: 2, absent: null, nullable: 2, tag: 7 })
  }
})
