/** What handlers may call. One object per broker, made by the composition root (src/index.ts). */
import type { Clock } from '../clock.js'
import type { BrokerConfig } from '../config/broker-config.js'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.js'
import type { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js'
import type { Logger } from '../log.js'
import type { Loggers } from '../loggers.js'
import type { ControllerClient } from '../metadata/controller-client.js'
import type { MetadataSource } from '../metadata/metadata-source.js'
import type { ReplicaManager } from '../replication/replica-manager.js'
import type { LogManager } from '../storage/log-manager.js'
import type { DelayedFetch } from './delayed-fetch.js'
import type { TransactionEndServices } from './end-transaction.js'
import type { FetchSessions } from './fetch-session.js'
import type { ClientQuotas } from './quotas/client-quotas.js'
import type { SlowRequests } from './slow-requests.js'
import type { ClientMetrics } from './telemetry/client-metrics.js'
import type { WokenFetches } from './woken-fetches.js'

/** Topics that the broker itself writes to; clients may only read them. */
export const INTERNAL_TOPICS: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

export interface BrokerServices {
  readonly nodeId: number
  readonly clusterId: string
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly log: Logger
  readonly loggers: Loggers
  /** The cluster's metadata as this broker knows it. */
  readonly metadata: MetadataSource
  /** Requests to the controller. */
  readonly controller: ControllerClient
  readonly logs: LogManager
  readonly replicas: ReplicaManager
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  /** Native memory for a batch that this process builds; the caller of `frameFrom` releases it. */
  readonly frames: TransactionEndServices['frames']
  readonly fetchSessions: FetchSessions
  /** The fetch that a connection waits in, by connection: it ends with the connection. */
  readonly parkedFetches: Map<number, DelayedFetch>
  readonly wokenFetches: WokenFetches
  readonly slowRequests: SlowRequests
  readonly quotas: ClientQuotas
  /** What clients push of their own metrics (KIP-714). */
  readonly clientMetrics: ClientMetrics
  isInternal(topic: string): boolean
  /** A client is gone: whatever waits for it ends. */
  connectionClosed(connection: number): void
}
