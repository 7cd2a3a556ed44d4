/**
 * CreatePartitions: more partitions for topics that exist. Never fewer.
 *
 * Version notes: v2 flexible. v3 THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
import { createPartitions } from '../protocol/messages/37-create-partitions.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_QUOTA_ERROR = 3

export const createPartitionsHandler = handler({
  api: createPartitions,
  minVersion: 0,
  maxVersion: 3,
  async handle({ topics, validateOnly }, context, { controller, quotas }) {
    const mutation = quotas.active ? quotas.mutation(context, context.apiVersion >= FIRST_VERSION_WITH_QUOTA_ERROR) : undefined
    const results = await controller.createPartitions(topics, validateOnly, mutation?.allows)
    return { throttleTimeMs: mutation?.throttleMs ?? 0, results }
  },
  failed: ({ topics }, errorCode) => ({ results: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })) })
})
