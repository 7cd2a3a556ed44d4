/** Records of type 22 in the coordinator log: streams group current member assignment. */
import { recordType } from '../coordinator-record.js'
import { array, int32, int8, message, string, struct } from '../../schema.js'

const taskIdsFields = {
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { absent: null, nullable: 0, tag: 0 })
}

export const streamsGroupCurrentMemberAssignmentKey = message({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const streamsGroupCurrentMemberAssignmentValue = message({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(struct(taskIdsFields)),
    standbyTasks: array(struct(taskIdsFields)),
    warmupTasks: array(struct(taskIdsFields)),
    activeTasksPendingRevocation: array(struct(taskIdsFields)),
    standbyTasksPendingRevocation: array(struct(taskIdsFields)),
    warmupTasksPendingRevocation: array(struct(taskIdsFields))
  }
})

export const streamsGroupCurrentMemberAssignment = recordType(
  22,
  streamsGroupCurrentMemberAssignmentKey,
  streamsGroupCurrentMemberAssignmentValue
)
