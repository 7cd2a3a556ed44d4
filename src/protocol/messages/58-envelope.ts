/**
 * Envelope (API 58): A broker forwards a request of a client to the controller, with the principal of the client (KIP-590).
 */
import { api } from '../api.js'
import { bytes, int16, message } from '../schema.js'

export const envelope = api({
  key: 58,
  name: 'Envelope',
  stable: [0, 0],
  request: message({
    name: 'EnvelopeRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      requestData: bytes(),
      requestPrincipal: bytes({ nullable: 0 }),
      clientHostAddress: bytes()
    }
  }),
  response: message({
    name: 'EnvelopeResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      responseData: bytes({ absent: null, nullable: 0 }),
      errorCode: int16()
    }
  })
})
