/** What a request costs its client in waiting, all quotas together. */
import type { ClientQuotas } from '../broker/quotas/client-quotas.js'
import type { RequestContext } from '../handlers/handler.js'
import type { Api } from '../protocol/api.js'
import { produce } from '../protocol/messages/00-produce.js'
import { apiVersions } from '../protocol/messages/18-api-versions.js'

/** A response as far as quotas are concerned: handlers that know a quota of their own have set it. */
export interface Throttled {
  throttleTimeMs?: number
}

/** The longest wait that any quota asks for; they are not added up. */
export function throttleMs(quotas: ClientQuotas, api: Api, context: RequestContext, response: Throttled | undefined): number {
  // A client has to learn what the broker can before it can be told to wait.
  if (api === apiVersions) return 0
  const { start, end } = context.frame
  const produced = api === produce ? quotas.produced(context, end - start) : 0
  return Math.max(produced, quotas.overRequestTime(context), response?.throttleTimeMs ?? 0)
}
