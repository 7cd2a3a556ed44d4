/**
 * DeleteTopics: by name or id. Answered when the partitions no longer serve; the files follow later (`file.delete.delay.ms`).
 *
 * Version notes: before v3 a broker that deletes no topics answers INVALID_REQUEST, then TOPIC_DELETION_DISABLED. v4 flexible. v5 messages,
 * THROTTLING_QUOTA_EXCEEDED (KIP-599).
 * v6 topic ids (KIP-516).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { deleteTopics } from '../protocol/messages/20-delete-topics.js'
import type { MessageOf } from '../protocol/schema.js'
import type { DeletableTopic, DeletedTopic } from '../metadata/controller-client.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_DELETION_DISABLED = 3
const FIRST_VERSION_WITH_QUOTA_ERROR = 5
const FIRST_VERSION_WITH_IDS = 6

export const deleteTopicsHandler = handler({
  api: deleteTopics,
  minVersion: 1,
  maxVersion: 6,
  async handle(request, context, { controller, config, quotas }) {
    const { apiVersion } = context
    const topics = named(request)
    if (!config.get('delete.topic.enable')) {
      const disabled = apiVersion >= FIRST_VERSION_WITH_DELETION_DISABLED ? ErrorCode.TOPIC_DELETION_DISABLED : ErrorCode.INVALID_REQUEST
      return {
        responses: topics.map((topic) => answer({ ...topic, errorCode: disabled, errorMessage: 'Topic deletion is disabled' }, apiVersion))
      }
    }
    const mutation = quotas.active ? quotas.mutation(context, apiVersion >= FIRST_VERSION_WITH_QUOTA_ERROR) : undefined
    const deleted = await controller.deleteTopics(topics, mutation?.allows)
    return { throttleTimeMs: mutation?.throttleMs ?? 0, responses: deleted.map((topic) => answer(topic, apiVersion)) }
  },
  failed: (request, errorCode) => ({ responses: named(request).map((topic) => ({ ...topic, errorCode, errorMessage: null })) })
})

function named({ topics, topicNames }: MessageOf<typeof deleteTopics.request>): readonly DeletableTopic[] {
  return topics.length > 0 ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
}

// Before ids a name was always there.
function answer(topic: DeletedTopic, apiVersion: number): DeletedTopic {
  return apiVersion < FIRST_VERSION_WITH_IDS && topic.name === null ? { ...topic, name: '' } : topic
}
