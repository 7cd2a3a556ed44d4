/**
 * The controller of a cluster of one: it runs in the broker's process, writes `__cluster_metadata-0`, and is where the broker's metadata
 * comes from. The shell around the pure controller: it appends the records of a step, replays them, tells the listeners, then answers.
 */
import { strict as assert } from 'node:assert'
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../clock.js'
import type { BrokerConfig } from '../config/broker-config.js'
import { StorageError, WireError } from '../errors.js'
import type { Logger } from '../log.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { ControlType } from '../record/control.js'
import { controlBatch, leaderChange } from './control-records.js'
import type {
  AlteredResource,
  ConfigResource,
  ControllerClient,
  ControllerError,
  CreatableTopic,
  CreatedTopic,
  DeletableTopic,
  DeletedTopic,
  GrowingTopic,
  GrownTopic,
  IncrementalChanges,
  MutationQuota,
  ProducerIdBlock,
  ReplicaDirectory,
  WholeConfig
} from './controller-client.js'
import { bootstrapRecords, registrationRecords, type Registration } from './controller/brokers.js'
import { alterConfigs, incrementalAlterConfigs } from './controller/configs.js'
import { assignReplicas } from './controller/directories.js'
import { LocalAdmin } from './controller/local-admin.js'
import { allocateProducerIds } from './controller/producer-ids.js'
import type { ControllerState, Step } from './controller/step.js'
import { createPartitions, createTopics, deleteTopics } from './controller/topics.js'
import type { MetadataImage } from './image.js'
import { loadBootstrap, loadMetadata, type LoadedMetadata } from './metadata-folder.js'
import type { MetadataLog } from './metadata-log.js'
import type { MetadataListener, MetadataSource } from './metadata-source.js'
import { ProducerIds, type NextProducerId } from './producer-ids.js'
import { writeQuorumState } from './quorum-state.js'
import { encodeBatches } from './record-codec.js'
import { RecordType, type MetadataRecord } from './records.js'
import type { Replayer } from './replayer.js'
import { SnapshotKeeper } from './snapshot-keeper.js'

export const METADATA_FOLDER = '__cluster_metadata-0'

export interface LocalControllerOptions {
  readonly nodeId: number
  /** The data folder that holds the metadata log: `metadata.log.dir`, or the first of `log.dirs`. */
  readonly dir: string
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly log: Logger
  /** By default random ones. */
  readonly newUuid?: () => string
}

export interface Activation extends Omit<Registration, 'brokerId'> {
  /** Opened by the caller, who recovered it; closed by `close`. */
  readonly log: MetadataLog
  /** Asked for what metadata that begin anew have from the start. */
  readonly found?: () => Promise<readonly MetadataRecord[]>
}

export class LocalController implements MetadataSource, ControllerClient {
  readonly #options: LocalControllerOptions
  readonly #replayer: Replayer
  readonly #state: ControllerState
  readonly #loaded: LoadedMetadata
  readonly #snapshots: SnapshotKeeper
  readonly #producerIds = new ProducerIds(() => this.allocateProducerIds())
  readonly #listeners = new Set<MetadataListener>()
  /** What administrators ask for. */
  readonly admin: LocalAdmin
  #log: MetadataLog | undefined
  #epoch: number
  #lastTimestamp: number
  #offset: number
  // Set when it is not known what the log holds: nothing more may be written until it was read anew.
  #broken = false
  #closed = false
  // One operation at a time: each decides on the image that the ones before it left.
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(options: LocalControllerOptions, loaded: LoadedMetadata) {
    this.#options = options
    this.#loaded = loaded
    this.#replayer = loaded.replayer
    this.#state = { image: loaded.replayer.image, config: options.config, newUuid: options.newUuid ?? randomUuid }
    this.admin = new LocalAdmin(options.nodeId, (decide, failed) => this.#operate(decide, failed))
    this.#epoch = loaded.lastEpoch
    this.#lastTimestamp = loaded.lastTimestamp
    this.#offset = loaded.endOffset - 1
    this.#snapshots = new SnapshotKeeper(path.join(options.dir, METADATA_FOLDER), loaded, options.log)
  }

  /**
   * Reads the metadata of the folder; an empty or missing folder is an empty cluster. Nothing is changed: only `activate` writes.
   * Rejects with a StorageError when it can't be read, and with a WireError that names the file when it is damaged.
   */
  static async load(options: LocalControllerOptions): Promise<LocalController> {
    const loaded = await loadMetadata(path.join(options.dir, METADATA_FOLDER))
    loaded.replayer.image.takeDelta()
    return new LocalController(options, loaded)
  }

  /** A random id for a topic, a directory or an incarnation. */
  static newUuid(): string {
    return randomUuid()
  }

  get image(): MetadataImage {
    return this.#replayer.image
  }

  /** Of the last record that the image holds; -1: none. */
  get offset(): number {
    return this.#offset
  }

  get controllerId(): number {
    return this.#options.nodeId
  }

  /** The end of the log that `load` read, which an opened log must have as well. */
  get loadedEndOffset(): number {
    return this.#loaded.endOffset
  }

  get epoch(): number {
    return this.#epoch
  }

  subscribe(listener: MetadataListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Begins a new epoch, registers the broker and elects it. Resolved: requests are served. Behind an orderly stop the start's own records are
   * not flushed: lost ones are written again by the next start. Rejects with a StorageError.
   */
  async activate({ log, found, ...registration }: Activation): Promise<void> {
    assert(!this.#log, 'activated once')
    const { nodeId, dir, clock, config } = this.#options
    if (log.endOffset !== this.#loaded.endOffset) {
      throw new WireError(`${dir}/${METADATA_FOLDER} ends at ${this.#loaded.endOffset} when read and at ${log.endOffset} when opened`)
    }
    this.#log = log
    this.#epoch++
    log.becomeLeader(this.#epoch)
    await mkdir(path.join(dir, METADATA_FOLDER), { recursive: true })
    const dynamic = (this.#replayer.quorum.get(ControlType.kraftVersion)?.value.readInt16BE(2) ?? 0) > 0
    await writeQuorumState(path.join(dir, METADATA_FOLDER), nodeId, this.#epoch, dynamic)
    const place = { baseOffset: log.endOffset, epoch: this.#epoch, timestamp: clock.now() }
    await log.append(controlBatch([leaderChange(nodeId)], place))
    if (this.#replayer.inTransaction) {
      await this.#write([{ type: RecordType.abortTransaction, version: 0, data: { reason: 'The controller was stopped' } }])
    }
    if (this.image.features.metadataVersion === 0) {
      const bootstrap = await loadBootstrap(dir)
      const features = bootstrap ? bootstrap.records() : bootstrapRecords(config.text('min.insync.replicas') ?? '1')
      await this.#write([...features, ...((await found?.()) ?? [])])
    }
    await this.#write(registrationRecords(this.image, { brokerId: nodeId, ...registration }, log.endOffset))
    // What a killed process had not flushed is seen from now on, and must not go again.
    if (!registration.cleanStart) await log.flush()
    await this.#notify()
  }

  createTopics(topics: readonly CreatableTopic[], validateOnly: boolean, quota?: MutationQuota): Promise<readonly CreatedTopic[]> {
    return this.#operate(
      (state) => createTopics(state, topics, validateOnly, quota),
      (error) => topics.map(({ name }) => ({ name, topicId: ZERO_UUID, numPartitions: -1, replicationFactor: -1, configs: [], ...error }))
    )
  }

  deleteTopics(topics: readonly DeletableTopic[], quota?: MutationQuota): Promise<readonly DeletedTopic[]> {
    return this.#operate(
      (state) => deleteTopics(state, topics, quota),
      (error) => topics.map((topic) => ({ ...topic, ...error }))
    )
  }

  createPartitions(topics: readonly GrowingTopic[], validateOnly: boolean, quota?: MutationQuota): Promise<readonly GrownTopic[]> {
    return this.#operate(
      (state) => createPartitions(state, topics, validateOnly, quota),
      (error) => topics.map(({ name }) => ({ name, ...error }))
    )
  }

  incrementalAlterConfigs(resources: readonly IncrementalChanges[], validateOnly: boolean): Promise<readonly AlteredResource[]> {
    return this.#operate(
      (state) => incrementalAlterConfigs(state, resources, validateOnly),
      (error) => failedResources(resources, error)
    )
  }

  alterConfigs(resources: readonly WholeConfig[], validateOnly: boolean): Promise<readonly AlteredResource[]> {
    return this.#operate(
      (state) => alterConfigs(state, resources, validateOnly),
      (error) => failedResources(resources, error)
    )
  }

  assignReplicas(assignments: readonly ReplicaDirectory[]): Promise<ControllerError> {
    return this.#operate(
      (state) => assignReplicas(state, this.#options.nodeId, assignments),
      (error) => error
    )
  }

  allocateProducerIds(): Promise<ProducerIdBlock> {
    return this.#operate(
      (state) => allocateProducerIds(state, this.#options.nodeId),
      ({ errorCode }) => ({ errorCode, start: -1, length: 0 })
    )
  }

  nextProducerId(): Promise<NextProducerId> {
    return this.#producerIds.next()
  }

  /** Waits for running operations, writes a snapshot when that saves the next start some reading, and closes the log. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#queue
    const log = this.#log
    if (!log) return
    if (!this.#broken && this.#snapshots.worthWritingAtStop) await this.#snapshot(log)
    await this.#snapshots.settled()
    await log.close()
  }

  #operate<R>(decide: (state: ControllerState) => Step<R>, failed: (error: { errorCode: number; errorMessage: string }) => R): Promise<R> {
    const run = async (): Promise<R> => {
      if (!this.#log || this.#closed) return failed({ errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'The controller is not running' })
      const { records, response } = decide(this.#state)
      if (records.length === 0) return response
      try {
        await this.#commit(records)
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        this.#options.log.error(`the metadata log cannot be written: ${error.message}`)
        return failed({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, errorMessage: 'The metadata log cannot be written' })
      }
      await this.#notify()
      this.#maybeSnapshot()
      return response
    }
    const result = this.#queue.then(run)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #commit(records: readonly MetadataRecord[]): Promise<void> {
    if (this.#broken) throw new StorageError('EIO', path.join(this.#options.dir, METADATA_FOLDER), 'an earlier write of it failed')
    await this.#append(records)
    try {
      await this.#log!.flush()
    } catch (error) {
      // They are in the log, and perhaps on the disk, but nobody may rely on it.
      this.#broken = true
      throw error
    }
    this.#replay(records)
  }

  /** As a commit, but not durable. */
  async #write(records: readonly MetadataRecord[]): Promise<void> {
    await this.#append(records)
    this.#replay(records)
  }

  #replay(records: readonly MetadataRecord[]): void {
    for (const record of records) this.#replayer.record(record)
    this.#offset = this.#log!.endOffset - 1
  }

  /** KIP-868: what does not fit one batch is put into a transaction, so that it holds as a whole or not at all. */
  async #append(records: readonly MetadataRecord[]): Promise<void> {
    const log = this.#log!
    const timestamp = this.#options.clock.now()
    const place = { baseOffset: log.endOffset, epoch: this.#epoch, timestamp }
    const maxBytes = this.#options.config.get('internal.metadata.max.batch.size.in.bytes')
    let batches = [...encodeBatches(records, place, maxBytes)]
    if (batches.length > 1) {
      const begin: MetadataRecord = { type: RecordType.beginTransaction, version: 0, data: { name: null } }
      batches = [...encodeBatches([begin, ...records, { type: RecordType.endTransaction, version: 0, data: {} }], place, maxBytes)]
    }
    for (const [at, batch] of batches.entries()) {
      try {
        await log.append(batch)
      } catch (error) {
        if (at > 0) this.#broken = true
        throw error
      }
      this.#snapshots.appended(batch.length)
    }
    this.#lastTimestamp = timestamp
  }

  async #notify(): Promise<void> {
    const delta = this.image.takeDelta()
    if (delta.isEmpty) return
    await Promise.all([...this.#listeners].map(async (listener) => listener(delta)))
  }

  #maybeSnapshot(): void {
    const { config, clock } = this.#options
    const maxBytes = config.get('metadata.log.max.record.bytes.between.snapshots')
    const intervalMs = config.get('metadata.log.max.snapshot.interval.ms')
    if (this.#snapshots.isDue(clock.now(), maxBytes, intervalMs)) void this.#snapshot(this.#log!)
  }

  #snapshot(log: MetadataLog): Promise<void> {
    return this.#snapshots.write(log, {
      image: this.image,
      quorum: this.#replayer.quorum.values(),
      endOffset: log.endOffset,
      epoch: this.#epoch,
      lastTimestamp: this.#lastTimestamp,
      now: this.#options.clock.now()
    })
  }
}

function failedResources(resources: readonly ConfigResource[], error: { errorCode: number; errorMessage: string }): AlteredResource[] {
  return resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...error }))
}

/** A random version 4 uuid in Kafka's text form; never one that begins with '-', which tools would take for an option. */
function randomUuid(): string {
  for (;;) {
    const bytes = randomBytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
