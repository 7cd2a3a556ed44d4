/** Records of type 21 in the coordinator log: streams group target assignment member. */
import { recordType } from '../coordinator-record.js'
import { array, int32, message, string, struct } from '../../schema.js'

const taskIdsFields = {
  subtopologyId: string(),
  partitions: array(int32())
}

export const streamsGroupTargetAssignmentMemberKey = message({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const streamsGroupTargetAssignmentMemberValue = message({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    activeTasks: array(struct(taskIdsFields)),
    standbyTasks: array(struct(taskIdsFields)),
    warmupTasks: array(struct(taskIdsFields))
  }
})

export const streamsGroupTargetAssignmentMember = recordType(
  21,
  streamsGroupTargetAssignmentMemberKey,
  streamsGroupTargetAssignmentMemberValue
)
