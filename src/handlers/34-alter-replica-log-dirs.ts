/**
 * AlterReplicaLogDirs: moves partitions of this broker to other log directories of it (KIP-113). Answered when the move has begun;
 * DescribeLogDirs tells how far it is.
 *
 * Version notes: v2 flexible.
 */
import { alterReplicaLogDirs } from '../protocol/messages/34-alter-replica-log-dirs.js'
import { handler } from './handler.js'

export const alterReplicaLogDirsHandler = handler({
  api: alterReplicaLogDirs,
  minVersion: 1,
  maxVersion: 2,
  async handle({ dirs }, _context, { replicas }) {
    // A partition that is named twice goes where it was named last.
    const wanted = new Map<string, Map<number, string>>()
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        let places = wanted.get(name)
        if (places === undefined) wanted.set(name, (places = new Map<number, string>()))
        for (const index of partitions) places.set(index, path)
      }
    }
    const results = Array.from(wanted, async ([topicName, places]) => ({
      topicName,
      partitions: await Promise.all(
        Array.from(places, async ([partitionIndex, path]) => ({
          partitionIndex,
          errorCode: await replicas.alterLogDir(topicName, partitionIndex, path)
        }))
      )
    }))
    return { results: await Promise.all(results) }
  },
  failed: ({ dirs }, errorCode) => ({
    results: dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode }))
      }))
    )
  })
})
