/**
 * CreateTopics: by number of partitions and replicas, or by an assignment of them; with settings; or only to see whether it would work.
 *
 * Version notes: v4 allows -1 for the number of partitions and the replication factor: the broker's defaults. v5 answers with number of partitions,
 * replication factor and settings (KIP-525), flexible. v6 THROTTLING_QUOTA_EXCEEDED (KIP-599). v7 topic ids.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { createTopics } from '../protocol/messages/19-create-topics.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_QUOTA_ERROR = 6

export const createTopicsHandler = handler({
  api: createTopics,
  minVersion: 2,
  maxVersion: 7,
  async handle({ topics, validateOnly }, context, { controller, quotas }) {
    const mutation = quotas.active ? quotas.mutation(context, context.apiVersion >= FIRST_VERSION_WITH_QUOTA_ERROR) : undefined
    const created = await controller.createTopics(topics, validateOnly, mutation?.allows)
    return {
      throttleTimeMs: mutation?.throttleMs ?? 0,
      topics: created.map(({ configs, errorCode, ...topic }) => ({
        ...topic,
        errorCode,
        topicConfigErrorCode: ErrorCode.NONE,
        configs: configs.map(({ name, value, readOnly, source, sensitive }) => ({
          name,
          value,
          readOnly,
          configSource: source,
          isSensitive: sensitive
        }))
      }))
    }
  },
  failed: ({ topics }, errorCode) => ({ topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null, configs: [] })) })
})
