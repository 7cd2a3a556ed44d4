/** Keeps a group coordinator in step with the metadata: which partitions it leads, which topics are gone. */
import type { TopicImage } from '../../metadata/image.js'
import type { MetadataSource } from '../../metadata/metadata-source.js'
import { GROUP_TOPIC, type GroupCoordinator } from './group-coordinator.js'

/**
 * Subscribe behind the replica manager, so that a new partition's log is there when its shard is loaded. Elections found at the start run
 * in the background; a delta is done when its shards are loaded. Returns what ends the subscription.
 */
export function followMetadata(groups: GroupCoordinator, metadata: MetadataSource, nodeId: number): () => void {
  const follow = (topic: TopicImage): Promise<unknown> => {
    const elected: Promise<void>[] = []
    for (const [index, { leader }] of topic.partitions.entries()) {
      if (leader === nodeId) elected.push(groups.elect(index))
      else groups.resign(index)
    }
    return Promise.all(elected)
  }
  const present = metadata.image.topicByName(GROUP_TOPIC)
  if (present) void follow(present)
  return metadata.subscribe(async ({ deletedTopics, changedTopics }) => {
    groups.topicsDeleted(deletedTopics.map(({ name }) => name))
    if (deletedTopics.some(({ name }) => name === GROUP_TOPIC)) for (const partition of groups.partitions()) groups.resign(partition)
    const changed = changedTopics.find(({ name }) => name === GROUP_TOPIC)
    if (changed) await follow(changed)
  })
}
