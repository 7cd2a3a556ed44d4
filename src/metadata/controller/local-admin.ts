/** The administrators' requests of a controller that runs in this process: each decides on the image and writes what it decided. */
import type {
  AdminClient,
  AlteredQuota,
  AlteredUser,
  Elections,
  FeatureUpdate,
  QuotaAlteration,
  Reassignments,
  ReassignedTopic,
  ScramDeletion,
  ScramUpsertion
} from '../admin-client.js'
import type { ControllerError } from '../controller-client.js'
import { alterClientQuotas } from './client-quotas.js'
import { electLeaders } from './elections.js'
import { updateFeatures } from './features.js'
import { alterPartitionReassignments } from './reassignments.js'
import { alterScramCredentials } from './scram.js'
import type { ControllerState, Step } from './step.js'
import { unregisterBroker } from './unregister.js'

type Failure = { errorCode: number; errorMessage: string }

/** Runs one operation after the other; `failed` makes the answer when its records could not be written. */
export type Operate = <R>(decide: (state: ControllerState) => Step<R>, failed: (error: Failure) => R) => Promise<R>

export class LocalAdmin implements AdminClient {
  readonly #nodeId: number
  readonly #operate: Operate

  constructor(nodeId: number, operate: Operate) {
    this.#nodeId = nodeId
    this.#operate = operate
  }

  alterClientQuotas(entries: readonly QuotaAlteration[], validateOnly: boolean): Promise<readonly AlteredQuota[]> {
    return this.#operate(
      (state) => alterClientQuotas(state, entries, validateOnly),
      (error) => entries.map(({ entity }) => ({ entity, ...error }))
    )
  }

  alterScramCredentials(deletions: readonly ScramDeletion[], upsertions: readonly ScramUpsertion[]): Promise<readonly AlteredUser[]> {
    return this.#operate(
      (state) => alterScramCredentials(state, deletions, upsertions),
      (error) => [...deletions, ...upsertions].map(({ name }) => ({ user: name, ...error }))
    )
  }

  electLeaders(type: number, topics: Parameters<AdminClient['electLeaders']>[1]): Promise<Elections> {
    return this.#operate(
      (state) => electLeaders(state, type, topics),
      ({ errorCode }) => ({ errorCode, replicaElectionResults: [] })
    )
  }

  alterPartitionReassignments(topics: readonly ReassignedTopic[], allowReplicationFactorChange: boolean): Promise<Reassignments> {
    return this.#operate(
      (state) => alterPartitionReassignments(state, topics, allowReplicationFactorChange),
      (error) => ({ ...error, responses: [] })
    )
  }

  updateFeatures(updates: readonly FeatureUpdate[], validateOnly: boolean): Promise<ControllerError> {
    return this.#operate(
      (state) => updateFeatures(state, this.#nodeId, updates, validateOnly),
      (error) => error
    )
  }

  unregisterBroker(brokerId: number): Promise<ControllerError> {
    return this.#operate(
      (state) => unregisterBroker(state, this.#nodeId, brokerId),
      (error) => error
    )
  }
}
