/** Builds one broker out of its parts, in the order in which they need each other, and takes it apart in the opposite order. */
import { randomInt, randomUUID } from 'node:crypto'
import { FetchSessions } from './broker/fetch-session.js'
import { quotasOf } from './broker/quotas/follow.js'
import { INTERNAL_TOPICS, type BrokerServices } from './broker/services.js'
import { SlowRequests } from './broker/slow-requests.js'
import { clientMetricsOf } from './broker/telemetry/follow.js'
import { dirStatus, topicTraffic, type BrokerStatus } from './broker/status.js'
import { transactionCoordinator } from './broker/transactions.js'
import { WokenFetches } from './broker/woken-fetches.js'
import { systemClock } from './clock.js'
import type { BrokerConfig } from './config/broker-config.js'
import { planListeners, type ListenerPlan } from './config/listeners.js'
import type { LoadedConfig } from './config/load.js'
import { resolveTopicConfig, type TopicConfig } from './config/topic-config.js'
import { GROUP_TOPIC, GroupCoordinator } from './coordinator/group/group-coordinator.js'
import { groupConfigOf } from './coordinator/group/group-config.js'
import { ImageTopics } from './coordinator/group/group-topics.js'
import { STANDING_PLACES, StandingAnswers } from './coordinator/standing-answers.js'
import { StorageCoordinatorLog } from './coordinator/storage-coordinator-log.js'
import { TRANSACTION_TOPIC, type TransactionCoordinator } from './coordinator/transaction/transaction-coordinator.js'
import { UnwrittenCoordinatorLog } from './coordinator/unwritten-log.js'
import { ConfigError } from './errors.js'
import { handlers } from './handlers/index.js'
import { readOnlyHandlers } from './handlers/read-only.js'
import type { Logger, OpenLog } from './log.js'
import { LiveNetwork, transferOptions } from './live-network.js'
import { Loggers } from './loggers.js'
import { ResourceType } from './metadata/config-image.js'
import { directoryOf } from './metadata/controller/directories.js'
import { foundTopics } from './metadata/found-topics.js'
import { LocalController } from './metadata/local-controller.js'
import { descriptorWarning } from './native/open-files.js'
import { METADATA_TOPIC, metadataLogConfig, openMetadataLog } from './metadata/storage-metadata-log.js'
import { Runtime } from './native/runtime.js'
import { Server, type BoundListener } from './network/server.js'
import { StatusSockets } from './network/status-sockets.js'
import { ErrorCode } from './protocol/error-codes.js'
import type { ReadOnlyPlan } from './read-only.js'
import { ReplicaManager } from './replication/replica-manager.js'
import { diskOptions } from './storage/disk-options.js'
import { flushPolicyText } from './storage/flush-policy.js'
import { LogManager } from './storage/log-manager.js'
import { packageVersion } from './package.js'

/** How long a stop waits for answers that are on their way to slow readers. */
const STOP_GRACE_MS = 2000
/** A fetch session that was not used for so long may give its slot to another; Kafka has no setting for it. */
const FETCH_SESSION_EVICTION_MS = 120_000
const US_PER_MS = 1000

export class Composition {
  readonly config: BrokerConfig
  readonly #log: Logger
  readonly #loggers: Loggers
  readonly #clock = systemClock()
  readonly #readOnly: ReadOnlyPlan | undefined
  readonly #runtime: Runtime
  readonly #topicConfigs = new Map<string, TopicConfig>()
  #logs: LogManager | undefined
  #controller: LocalController | undefined
  #server: Server | undefined
  #network: LiveNetwork | undefined
  #groups: GroupCoordinator | undefined
  #transactions: TransactionCoordinator | undefined
  #statusSockets: StatusSockets | undefined
  #served = { atMs: 0, monotonicMs: 0 }
  services: BrokerServices | undefined
  #giveUp: (message: string) => void = () => undefined
  /** Resolves, with the reason, when the broker can't go on: as Kafka, it stops when its last log directory has failed, or that of the metadata. */
  readonly failure = new Promise<string>((resolve) => (this.#giveUp = resolve))

  /** `readOnly`: the log directories mirror other people's folders. */
  constructor({ config }: LoadedConfig, log: Logger, readOnly?: ReadOnlyPlan) {
    this.config = config
    this.#readOnly = readOnly
    this.#log = log
    this.#loggers = new Loggers(log)
    this.#runtime = new Runtime({ ...diskOptions(config), frameMemoryBytes: requestMemoryBytes(config) })
  }

  /** Resolved: clients are served, though single partitions may still be recovering. */
  async start(loaded: LoadedConfig): Promise<void> {
    const { config } = this
    const nodeId = config.get('node.id')
    const dirs = config.get('log.dirs') ?? config.get('log.dir')
    const dir = config.get('metadata.log.dir') ?? dirs[0]!
    const controller = (this.#controller = await LocalController.load({
      nodeId,
      dir,
      config,
      clock: this.#clock,
      log: this.#loggers.named('sluice.metadata')
    }))
    this.#followSettings(controller, nodeId)
    const logs = (this.#logs = await LogManager.open({
      dirs,
      metadataDir: dir,
      runtime: this.#runtime,
      clock: this.#clock,
      log: this.#loggers.named('sluice.storage'),
      config,
      topicConfig: (topic) => this.#topicConfig(topic),
      nodeId,
      assignedDir: (_topic, topicId, index) => {
        const partition = controller.image.topicById(topicId)?.partitions[index]
        return partition && directoryOf(partition, nodeId)
      },
      assignDir: async ({ topicId, partition: partitionId }, directoryId) =>
        (await controller.assignReplicas([{ topicId, partitionId, directoryId }])).errorCode === ErrorCode.NONE,
      readOnly: this.#readOnly !== undefined
    }))
    logs.onFatal = (message) => this.#giveUp(message)
    const replicas = this.#replicas(nodeId, controller, logs)
    this.services = this.#assemble(nodeId, controller, logs, replicas)
    const server = (this.#server = new Server(this.#runtime, this.services))
    const network = (this.#network = new LiveNetwork(server, config, this.#log))
    const plan = this.#listenerPlan(loaded.listeners)
    const bound = await network.start(plan)
    await controller.activate({
      ...(this.#readOnly === undefined && {
        found: () => foundTopics({ logs, internal: INTERNAL_TOPICS, nodeId, newUuid: () => LocalController.newUuid(), log: this.#log })
      }),
      log: await openMetadataLog(logs, config, dir, this.#runtime),
      incarnationId: LocalController.newUuid(),
      endpoints: plan.listeners
        .filter(({ advertised }) => advertised)
        .map(({ name, advertisedHost, advertisedPort }) => ({
          name,
          host: advertisedHost,
          port: advertisedPort === 0 ? bound.find((each) => each.name === name)!.port : advertisedPort,
          securityProtocol: 0
        })),
      rack: config.get('broker.rack'),
      logDirs: logs.dirs.filter((each) => each.online && each.forPartitions).map(({ directoryId }) => directoryId),
      cleanStart: logs.cleanStart
    })
    replicas.start()
    server.serve(this.#readOnly === undefined ? handlers : readOnlyHandlers(handlers, this.#readOnly))
    this.#served = { atMs: this.#clock.now(), monotonicMs: this.#clock.monotonic() }
    const online = logs.dirs.filter((each) => each.online).map((each) => each.path)
    this.#statusSockets = await StatusSockets.open(online, () => JSON.stringify(this.status()), this.#log)
    this.#tell(dirs)
  }

  /** Every listener with the port that was bound. */
  get listeners(): readonly BoundListener[] {
    return this.#network?.listeners ?? []
  }

  // What was changed while a broker ran may fit the settings no longer that it is started with now.
  #listenerPlan(given: ListenerPlan): ListenerPlan {
    try {
      return planListeners(this.config)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#log.error(`stored listeners are left out: ${error.message}`)
      return given
    }
  }

  /** Topics that a program or the command line wants at the start: those that exist stay as they are. */
  async createTopics(topics: Readonly<Record<string, number>>): Promise<void> {
    const wanted = Object.entries(topics).map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: -1,
      assignments: [],
      configs: []
    }))
    if (wanted.length === 0) return
    for (const { name, errorCode, errorMessage } of await this.#controller!.createTopics(wanted, false)) {
      if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) {
        throw new ConfigError('topics', `topic ${name} cannot be created: ${errorMessage ?? `error ${errorCode}`}`)
      }
    }
  }

  /** After `start`, before `stop`. */
  status(): BrokerStatus {
    const { config } = this
    const { total, listeners, requestBytes } = this.#server!.traffic()
    const { mode: _mode, ...thresholds } = transferOptions(config)
    const { user, system } = process.cpuUsage()
    return {
      schema: 1,
      version: packageVersion(),
      nodeId: this.services!.nodeId,
      clusterId: this.services!.clusterId,
      startedAt: this.#served.atMs,
      uptimeMs: Math.round(this.#clock.monotonic() - this.#served.monotonicMs),
      process: {
        pid: process.pid,
        cpuUserMs: user / US_PER_MS,
        cpuSystemMs: system / US_PER_MS,
        residentBytes: process.memoryUsage.rss()
      },
      dirs: this.#logs!.dirs.map((dir) => dirStatus(dir, this.#logs!.recovery(dir))),
      transfer: { mode: config.get('sluice.transfer.mode'), ...thresholds },
      requestBytes,
      total,
      listeners,
      ...topicTraffic(this.services!.replicas)
    }
  }

  /** Works at any point of a start, too. */
  async stop(): Promise<void> {
    await this.#statusSockets?.close()
    for (const fetch of this.services?.parkedFetches.values() ?? []) fetch.complete()
    this.services?.replicas.stop()
    await this.#network?.settled()
    await this.#server?.stop(STOP_GRACE_MS)
    await this.#transactions?.close()
    await this.#groups?.close()
    await this.#controller?.close()
    await this.#logs?.close()
    await this.#runtime.close()
  }

  #replicas(nodeId: number, metadata: LocalController, logs: LogManager): ReplicaManager {
    return new ReplicaManager({
      nodeId,
      metadata,
      logs,
      clock: this.#clock,
      log: this.#loggers.named('sluice.replication'),
      topicConfig: (topic) => this.#topicConfig(topic),
      assignReplicas: (assignments) => metadata.assignReplicas(assignments),
      onServing: (partition) => {
        if (partition.topic === GROUP_TOPIC) void this.#groups!.elect(partition.index)
        if (partition.topic === TRANSACTION_TOPIC) void this.#transactions!.elect(partition.index)
      },
      onRetired: (partition) => {
        if (partition.topic === GROUP_TOPIC) this.#groups!.resign(partition.index)
        if (partition.topic === TRANSACTION_TOPIC) this.#transactions!.resign(partition.index)
      }
    })
  }

  #assemble(nodeId: number, controller: LocalController, logs: LogManager, replicas: ReplicaManager): BrokerServices {
    const { config } = this
    const groupLog = new StorageCoordinatorLog({
      log: (partition) => replicas.partition(GROUP_TOPIC, partition)?.log,
      whenReady: async (partition) => replicas.partition(GROUP_TOPIC, partition)?.log,
      leaderEpoch: (partition) => replicas.partition(GROUP_TOPIC, partition)?.leaderEpoch ?? -1,
      frames: this.#runtime,
      clock: this.#clock,
      loadBufferBytes: () => config.get('offsets.load.buffer.size'),
      compression: () => config.get('offsets.topic.compression.codec')
    })
    const topics = new ImageTopics(controller)
    const standing = new StandingAnswers(this.#runtime.native.ioStandings(STANDING_PLACES, this.#clock.monotonic()))
    // Settings, quotas, features, topics: an answer may depend on any of them.
    controller.subscribe(() => standing.revokeAll())
    const groups = (this.#groups = new GroupCoordinator({
      clock: this.#clock,
      logger: this.#loggers.named('sluice.coordinator'),
      log: this.#readOnly === undefined ? groupLog : new UnwrittenCoordinatorLog(groupLog),
      config: groupConfigOf(config, (groupId) => controller.image.configs.of(ResourceType.group, groupId)),
      topics,
      partitions: () => controller.image.topicByName(GROUP_TOPIC)?.partitions.length ?? config.get('offsets.topic.num.partitions'),
      newUuid: randomUUID,
      beforeTimers: () => this.#runtime.drain(),
      standing
    }))
    controller.subscribe((delta) => {
      if (topics.follow(delta)) groups.topicsChanged()
      groups.topicsDeleted(delta.deletedTopics.map(({ name }) => name))
    })
    const quotas = quotasOf(config, controller, this.#clock)
    const clientMetrics = clientMetricsOf(config, controller, this.#clock, this.#log)
    const parts = { config, clock: this.#clock, log: this.#log, metadata: controller, controller, replicas, groups, runtime: this.#runtime }
    const transactions = (this.#transactions = transactionCoordinator({ ...parts, readOnly: this.#readOnly !== undefined }))
    const parkedFetches: BrokerServices['parkedFetches'] = new Map()
    return {
      nodeId,
      clusterId: logs.clusterId,
      config,
      clock: this.#clock,
      log: this.#loggers.named('sluice.network'),
      loggers: this.#loggers,
      metadata: controller,
      controller,
      logs,
      replicas,
      groups,
      transactions,
      frames: this.#runtime,
      fetchSessions: new FetchSessions({
        slots: config.get('max.incremental.fetch.session.cache.slots'),
        evictionMs: FETCH_SESSION_EVICTION_MS,
        randomId: () => randomInt(1, 0x7fffffff)
      }),
      parkedFetches,
      wokenFetches: new WokenFetches(this.#clock),
      slowRequests: new SlowRequests(this.#loggers.named('sluice.requests'), () => config.get('sluice.slow.request.ms')),
      quotas,
      clientMetrics,
      isInternal: (topic) => INTERNAL_TOPICS.has(topic),
      connectionClosed: (connection) => {
        clientMetrics.connectionClosed(connection)
        parkedFetches.get(connection)?.complete()
      }
    }
  }

  #topicConfig(topic: string): TopicConfig {
    let resolved = this.#topicConfigs.get(topic)
    if (resolved === undefined) {
      if (topic === METADATA_TOPIC) return metadataLogConfig(this.config)
      const overrides = this.#controller!.image.topicOverrides(topic)
      this.#topicConfigs.set(topic, (resolved = resolveTopicConfig(this.config, overrides)))
    }
    return resolved
  }

  /** Settings that were changed while a broker ran: those of before, and every later change. */
  #followSettings(metadata: LocalController, nodeId: number): void {
    const apply = (): void => {
      for (const problem of this.config.setDynamic(metadata.image.brokerOverrides(''), metadata.image.brokerOverrides(nodeId))) {
        this.#log.warn(`a stored setting is left out: ${problem.message}`)
      }
    }
    apply()
    setLevel(this.#log, this.config)
    this.config.onChange((changed) => {
      this.#topicConfigs.clear()
      for (const { log } of this.services?.replicas.all() ?? []) log.configure(this.#topicConfig(log.topic))
      if (changed.has('sluice.log.level')) setLevel(this.#log, this.config)
      this.#network?.follow(changed)
    })
    metadata.subscribe((delta) => {
      for (const { name } of delta.deletedTopics) this.#topicConfigs.delete(name)
      for (const name of delta.changedConfigs) this.#topicConfigs.delete(name)
      if (delta.changedBrokerConfigs.length > 0) apply()
    })
  }

  #tell(dirs: readonly string[]): void {
    const { config } = this
    const readOnly = this.#readOnly
    const shown = readOnly ? `${[...readOnly.shown.values()].join(', ')}, read-only` : dirs.join(', ')
    this.#log.info(`data in ${shown} (cluster ${this.services!.clusterId}, node ${this.services!.nodeId})`)
    if (!readOnly) this.#log.info(`flush: ${flushPolicyText(config)}`)
    this.#log.info(`transfer path: ${config.get('sluice.transfer.mode')}`)
    const warning = descriptorWarning(Array.from(this.#logs!.partitions()).length, config.get('sluice.disk.open.files'))
    if (warning !== undefined) this.#log.warn(warning)
  }
}

/** Only a log that was opened for this broker has a level to change. */
function setLevel(log: Logger, config: BrokerConfig): void {
  if ('level' in log) (log as OpenLog).level = config.get('sluice.log.level') as OpenLog['level']
}

/** Kafka's bound is stated for requests that wait; ours holds for all that has arrived. The smaller one counts where both are set. */
function requestMemoryBytes(config: BrokerConfig): number {
  const queued = config.get('queued.max.request.bytes')
  const own = config.get('sluice.request.memory.bytes')
  return queued > 0 ? Math.min(queued, own) : own
}
