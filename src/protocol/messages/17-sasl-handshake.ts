/**
 * SaslHandshake (API 17): Chooses the SASL mechanism of a connection.
 *
 * Version notes (+ field added, - field removed):
 * v1: tokens follow inside SaslAuthenticate instead of bare (KIP-152)
 */
import { api } from '../api.js'
import { array, int16, message, string } from '../schema.js'

export const saslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  stable: [0, 1],
  request: message({
    name: 'SaslHandshakeRequest',
    versions: [0, 1],
    fields: {
      mechanism: string()
    }
  }),
  response: message({
    name: 'SaslHandshakeResponse',
    versions: [0, 1],
    fields: {
      errorCode: int16(),
      mechanisms: array(string())
    }
  })
})
