/**
 * Whether a producer may write to partitions as part of its transaction (KIP-890). Without this a batch that comes late, after its transaction
 * was ended by a time-out or by the producer's successor, would begin a transaction that nobody ends, and readers would wait for ever.
 */
import type { BrokerConfig } from '../config/broker-config.js'
import { partitionSet } from '../coordinator/transaction/transaction-metadata.js'
import type { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js'
import { ErrorCode } from '../protocol/error-codes.js'
import type { ReplicaManager } from '../replication/replica-manager.js'

export interface AdmissionServices {
  readonly config: BrokerConfig
  readonly replicas: ReplicaManager
  readonly transactions: TransactionCoordinator
}

export interface TransactionalWrite {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** `baseSequence`: of a batch that a client sends. */
  readonly places: readonly (readonly [topic: string, index: number, baseSequence?: number])[]
  /** Writing to a partition adds it: transaction version 2. Else it must have been added before. */
  readonly adds: boolean
  /** The client understands TRANSACTION_ABORTABLE. */
  readonly knowsAbortable: boolean
}

type Place = TransactionalWrite['places'][number]

/** Why the write to a partition is refused; NONE: it may be appended, in this turn of the event loop. */
export type Admission = (topic: string, index: number) => number

const ADMITTED: Admission = () => ErrorCode.NONE

/** Resolved at once, so to speak, where the producer's transaction is open in all partitions already. */
export async function admit({ config, replicas, transactions }: AdmissionServices, write: TransactionalWrite): Promise<Admission> {
  const { transactionalId, producerId, producerEpoch, adds } = write
  if (!adds && !config.get('transaction.partition.verification.enable')) return ADMITTED
  for (;;) {
    const { stale, unknown } = sorted(replicas, write)
    const refusing = (places: readonly Place[], why: Admission): Admission => refusingBoth(stale, places, why)
    if (unknown.length === 0) return refusing([], ADMITTED)
    for (const [topic, index, baseSequence] of unknown) {
      if (baseSequence !== undefined) replicas.partition(topic, index)?.log.awaitTransaction(producerId, producerEpoch, baseSequence, adds)
    }
    const request = { transactionalId, producerId, producerEpoch, partitions: partitionSet(unknown) }
    if (adds) {
      const errorCode = await transactions.addPartitions({ ...request, clientVersion: 2 })
      if (errorCode !== ErrorCode.NONE) return refusing(unknown, () => translated(errorCode, write))
    } else {
      const { errorCode, missing } = await transactions.verifyPartitions(request)
      if (errorCode !== ErrorCode.NONE) return refusing(unknown, () => translated(errorCode, write))
      const abortable = translated(ErrorCode.TRANSACTION_ABORTABLE, write)
      if (missing.size > 0)
        return refusing(unknown, (topic, index) => (missing.get(topic)?.includes(index) === true ? abortable : ErrorCode.NONE))
    }
    // Its end may have been decided while the answer was on its way, and a marker be in the log before what we would append.
    if (transactions.isOpen(request)) return refusing([], ADMITTED)
  }
}

/** Where a later epoch of the producer has written already, and where nothing tells that its transaction is open. */
function sorted(replicas: ReplicaManager, { places, producerId, producerEpoch }: TransactionalWrite) {
  const stale: Place[] = []
  const unknown: Place[] = []
  for (const place of places) {
    const known = replicas.partition(place[0], place[1])?.log.producer(producerId)
    if (known !== undefined && producerEpoch < known.epoch) stale.push(place)
    else if (known?.epoch !== producerEpoch || known.currentTxnFirstOffset < 0) unknown.push(place)
  }
  return { stale, unknown }
}

function refusingBoth(stale: readonly Place[], places: readonly Place[], why: Admission): Admission {
  return (topic, index) => {
    if (holds(stale, topic, index)) return ErrorCode.INVALID_PRODUCER_EPOCH
    return holds(places, topic, index) ? why(topic, index) : ErrorCode.NONE
  }
}

function holds(places: readonly Place[], topic: string, index: number): boolean {
  return places.some(([name, at]) => name === topic && at === index)
}

function translated(errorCode: number, { knowsAbortable }: TransactionalWrite): number {
  if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH
  return errorCode === ErrorCode.TRANSACTION_ABORTABLE && !knowsAbortable ? ErrorCode.INVALID_TXN_STATE : errorCode
}

/** What a Produce is told: clients that know nothing of the coordinator behind it take this error for a passing one, and look for no other leader. */
export function produceError(errorCode: number, adds: boolean): number {
  switch (errorCode) {
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_ENOUGH_REPLICAS
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return adds ? errorCode : ErrorCode.NOT_ENOUGH_REPLICAS
    default:
      return errorCode
  }
}
