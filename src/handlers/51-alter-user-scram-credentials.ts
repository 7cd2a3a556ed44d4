/**
 * AlterUserScramCredentials: keeps credentials in the metadata (KIP-554). No listener asks for them yet.
 *
 * Version notes: v0 only.
 */
import { alterUserScramCredentials } from '../protocol/messages/51-alter-user-scram-credentials.js'
import { handler } from './handler.js'

export const alterUserScramCredentialsHandler = handler({
  api: alterUserScramCredentials,
  minVersion: 0,
  maxVersion: 0,
  async handle({ deletions, upsertions }, _context, { controller }) {
    return { results: await controller.admin.alterScramCredentials(deletions, upsertions) }
  },
  failed: ({ deletions, upsertions }, errorCode) => ({
    results: [...deletions, ...upsertions].map(({ name }) => ({ user: name, errorCode, errorMessage: null }))
  })
})
