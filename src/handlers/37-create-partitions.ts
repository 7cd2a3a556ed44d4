/**
 * CreatePartitions: more partitions for topics that exist. Never fewer.
 *
 * Version notes: v2 flexible. v3 as v2 (KIP-599: may be throttled).
 */
import { createPartitions } from '../protocol/messages/37-create-partitions.js'
import { handler } from './handler.js'

export const createPartitionsHandler = handler({
  api: createPartitions,
  minVersion: 0,
  maxVersion: 3,
  async handle({ topics, validateOnly }, _context, { controller }) {
    return { results: await controller.createPartitions(topics, validateOnly) }
  },
  failed: ({ topics }, errorCode) => ({ results: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })) })
})
