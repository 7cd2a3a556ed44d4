/**
 * UnregisterBroker: forgets a broker that is gone for good.
 *
 * Version notes: v0 only.
 */
import { unregisterBroker } from '../protocol/messages/64-unregister-broker.js'
import { handler } from './handler.js'

export const unregisterBrokerHandler = handler({
  api: unregisterBroker,
  minVersion: 0,
  maxVersion: 0,
  handle: ({ brokerId }, _context, { controller }) => controller.admin.unregisterBroker(brokerId),
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null })
})
