/** AlterUserScramCredentials: what is stored is derived from the salted password (RFC 5802), so that the log never holds it. */
import { createHash, createHmac } from 'node:crypto'
import { ErrorCode } from '../../protocol/error-codes.js'
import type { AlteredUser, ScramDeletion, ScramUpsertion } from '../admin-client.js'
import type { ControllerError } from '../controller-client.js'
import { RecordType, type MetadataRecord } from '../records.js'
import { failed } from './placement.js'
import type { ControllerState, Step } from './step.js'

/** By Kafka's numbers. */
const HASHES: ReadonlyMap<number, string> = new Map([
  [1, 'sha256'],
  [2, 'sha512']
])
const FEWEST_ITERATIONS = 4096
const MOST_ITERATIONS = 16_384
/** 3.5-IV2: metadata before it has no place for credentials. */
const FIRST_METADATA_VERSION = 11
const OK: ControllerError = { errorCode: ErrorCode.NONE, errorMessage: null }

/** One result for each user; one that is named twice is not changed. */
export function alterScramCredentials(
  state: ControllerState,
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[]
): Step<readonly AlteredUser[]> {
  const results = new Map<string, ControllerError>()
  const changes = new Map<string, MetadataRecord>()
  for (const change of [...deletions, ...upsertions]) {
    const { name } = change
    const before = results.get(name)
    if (before) {
      if (before === OK)
        results.set(name, failed(ErrorCode.DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request'))
      changes.delete(name)
      continue
    }
    const problem = scramProblem(state, change)
    results.set(name, problem ?? OK)
    if (!problem) changes.set(name, recordOf(change))
  }
  return { records: [...changes.values()], response: [...results].map(([user, result]) => ({ user, ...result })) }
}

function isUpsertion(change: ScramDeletion | ScramUpsertion): change is ScramUpsertion {
  return 'iterations' in change
}

function scramProblem({ image }: ControllerState, change: ScramDeletion | ScramUpsertion): ControllerError | undefined {
  if (image.features.metadataVersion < FIRST_METADATA_VERSION) {
    return failed(ErrorCode.UNSUPPORTED_VERSION, 'The current metadata.version does not support SCRAM')
  }
  if (change.name === '') return failed(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty')
  if (!HASHES.has(change.mechanism)) return failed(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism')
  if (!isUpsertion(change)) {
    if (image.scram.of(change.name)?.has(change.mechanism)) return undefined
    return failed(ErrorCode.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist')
  }
  if (change.iterations < FEWEST_ITERATIONS) return failed(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too few iterations')
  if (change.iterations > MOST_ITERATIONS) return failed(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too many iterations')
  return undefined
}

function recordOf(change: ScramDeletion | ScramUpsertion): MetadataRecord {
  const { name, mechanism } = change
  if (!isUpsertion(change)) return { type: RecordType.removeUserScramCredential, version: 0, data: { name, mechanism } }
  const hash = HASHES.get(mechanism)!
  const keyed = (what: string): Buffer => createHmac(hash, change.saltedPassword).update(what).digest()
  const storedKey = createHash(hash).update(keyed('Client Key')).digest()
  const { salt, iterations } = change
  return {
    type: RecordType.userScramCredential,
    version: 0,
    data: { name, mechanism, salt, storedKey, serverKey: keyed('Server Key'), iterations }
  }
}
