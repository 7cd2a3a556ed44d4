/**
 * AlterClientQuotas: sets and removes quotas of users, clients and addresses (KIP-546, KIP-599, KIP-612). They hold for the next request.
 *
 * Version notes: v1 flexible.
 */
import { alterClientQuotas } from '../protocol/messages/49-alter-client-quotas.js'
import { handler } from './handler.js'

export const alterClientQuotasHandler = handler({
  api: alterClientQuotas,
  minVersion: 0,
  maxVersion: 1,
  async handle({ entries, validateOnly }, _context, { controller }) {
    return { entries: await controller.admin.alterClientQuotas(entries, validateOnly) }
  },
  failed: ({ entries }, errorCode) => ({ entries: entries.map(({ entity }) => ({ entity, errorCode, errorMessage: null })) })
})
