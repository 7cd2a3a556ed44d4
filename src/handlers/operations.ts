/** What may be done with a topic, a group and the cluster, a bit for each of Kafka's numbers of operations: without an authorizer everybody may do all. */

export const ALL_TOPIC_OPERATIONS = bits([3, 4, 5, 6, 7, 8, 10, 11])
export const ALL_GROUP_OPERATIONS = bits([3, 6, 8, 10, 11])
export const ALL_CLUSTER_OPERATIONS = bits([5, 7, 8, 9, 10, 11, 12])
export const OPERATIONS_NOT_ASKED = -2147483648

function bits(operations: readonly number[]): number {
  return operations.reduce((field, operation) => field | (1 << operation), 0)
}
