/**
 * DescribeUserScramCredentials: which mechanisms users have, never their secrets (KIP-554).
 *
 * Version notes: v0 only.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { describeUserScramCredentials } from '../protocol/messages/50-describe-user-scram-credentials.js'
import { repeated } from '../metadata/controller/step.js'
import { handler } from './handler.js'

export const describeUserScramCredentialsHandler = handler({
  api: describeUserScramCredentials,
  minVersion: 0,
  maxVersion: 0,
  handle({ users }, _context, { metadata }) {
    const { scram } = metadata.image
    // No names, in either form, ask for all.
    const names = users === null || users.length === 0 ? [...scram.users()] : users.map(({ name }) => name)
    const twice = repeated(names, (name) => name)
    const results = [...new Set(names)].map((user) => {
      const none = (errorCode: number, errorMessage: string) => ({ user, errorCode, errorMessage, credentialInfos: [] })
      if (twice.has(user)) {
        return none(ErrorCode.DUPLICATE_RESOURCE, `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`)
      }
      const credentials = scram.of(user)
      if (!credentials) {
        return none(ErrorCode.RESOURCE_NOT_FOUND, `Attempt to describe a user credential that does not exist: ${user}`)
      }
      const credentialInfos = [...credentials.values()].map(({ mechanism, iterations }) => ({ mechanism, iterations }))
      return { user, errorCode: ErrorCode.NONE, errorMessage: '', credentialInfos }
    })
    return { errorCode: ErrorCode.NONE, errorMessage: '', results }
  },
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, results: [] })
})
