/** Puts the transaction coordinator together from the parts of a broker. */
import type { Clock } from '../clock.js'
import type { BrokerConfig } from '../config/broker-config.js'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.js'
import { StorageCoordinatorLog } from '../coordinator/storage-coordinator-log.js'
import { transactionConfigOf } from '../coordinator/transaction/transaction-config.js'
import { TRANSACTION_TOPIC, TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js'
import { UnwrittenCoordinatorLog } from '../coordinator/unwritten-log.js'
import type { Logger } from '../log.js'
import type { ControllerClient } from '../metadata/controller-client.js'
import { TRANSACTION_VERSION } from '../metadata/features.js'
import type { MetadataSource } from '../metadata/metadata-source.js'
import type { Runtime } from '../native/runtime.js'
import type { ReplicaManager } from '../replication/replica-manager.js'
import { endTransaction } from './end-transaction.js'

export interface TransactionParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly log: Logger
  readonly metadata: MetadataSource
  readonly controller: ControllerClient
  readonly replicas: ReplicaManager
  readonly groups: GroupCoordinator
  readonly runtime: Runtime
  /** Nothing is written: transactions are described, and do not go on. */
  readonly readOnly: boolean
}

export function transactionCoordinator(parts: TransactionParts): TransactionCoordinator {
  const { config, clock, log, metadata, controller, replicas, groups, runtime, readOnly } = parts
  const leaderEpoch = (partition: number): number => replicas.partition(TRANSACTION_TOPIC, partition)?.leaderEpoch ?? -1
  const { image } = metadata
  const stored = new StorageCoordinatorLog({
    log: (partition) => replicas.partition(TRANSACTION_TOPIC, partition)?.log,
    whenReady: async (partition) => replicas.partition(TRANSACTION_TOPIC, partition)?.log,
    leaderEpoch,
    frames: runtime,
    clock,
    loadBufferBytes: () => config.get('transaction.state.log.load.buffer.size'),
    compression: () => 0
  })
  return new TransactionCoordinator({
    clock,
    logger: log,
    readOnly,
    log: readOnly ? new UnwrittenCoordinatorLog(stored) : stored,
    config: transactionConfigOf(config),
    partitions: () => image.topicByName(TRANSACTION_TOPIC)?.partitions.length ?? config.get('transaction.state.log.num.partitions'),
    leaderEpoch,
    transactionVersion: () => image.features.level(TRANSACTION_VERSION),
    nextProducerId: () => controller.nextProducerId(),
    append: (topic, index, marker) => endTransaction({ replicas, groups, clock, frames: runtime }, topic, index, marker),
    exists: (topic, index) => image.topicByName(topic)?.partitions[index] !== undefined,
    beforeTimers: () => runtime.drain()
  })
}
