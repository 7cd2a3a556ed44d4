/**
 * The partition of the coordinator's topic that a key (group id, transactional id) belongs to: Java's `String.hashCode`, made non-negative
 * by clearing the sign bit, modulo the number of partitions. A folder of Apache Kafka depends on it.
 */
export function partitionFor(key: string, partitions: number): number {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return (hash & 0x7fffffff) % partitions
}
