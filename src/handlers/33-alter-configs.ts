/**
 * AlterConfigs: replaces all that is set for a topic or a broker. What the request does not name goes back to its default; use
 * IncrementalAlterConfigs to change single settings.
 *
 * Version notes: v2 flexible.
 */
import { alterConfigs } from '../protocol/messages/33-alter-configs.js'
import { handler } from './handler.js'

export const alterConfigsHandler = handler({
  api: alterConfigs,
  minVersion: 0,
  maxVersion: 2,
  async handle({ resources, validateOnly }, _context, { controller }) {
    return { responses: await controller.alterConfigs(resources, validateOnly) }
  },
  failed: ({ resources }, errorCode) => ({
    responses: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, errorCode, errorMessage: null }))
  })
})
