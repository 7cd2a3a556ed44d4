/**
 * Producers, some of them with the same transactional id, write transactions to partitions, while the coordinator is killed, its log and the
 * partitions stand still, and time passes. Partitions keep producer states as the storage engine does; admission and markers are the broker's own
 * code. `settle` ends it, `check` says what every reader relies on.
 */
import assert from 'node:assert/strict'
import { admit } from '../../../src/broker/transaction-admission.js'
import { endTransaction } from '../../../src/broker/end-transaction.js'
import type { Clock } from '../../../src/clock.js'
import { DEFAULT_TRANSACTION_CONFIG } from '../../../src/coordinator/transaction/transaction-config.js'
import { TransactionCoordinator } from '../../../src/coordinator/transaction/transaction-coordinator.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { KillableLog } from './killable-log.js'
import { SimClock, turn } from './sim-clock.js'
import { SimPartition, TOPIC, type Unit } from './sim-partition.js'

export type Step =
  | { readonly do: 'init' | 'write' | 'commit' | 'abort'; readonly client: number; readonly partition: number }
  | { readonly do: 'kill'; readonly kept: number }
  /** A batch that was long on its way, and comes whatever its producer does now. */
  | { readonly do: 'late'; readonly client: number; readonly partition: number }
  | { readonly do: 'hold' | 'release' | 'fail' }
  | { readonly do: 'down' | 'up'; readonly partition: number }
  | { readonly do: 'advance'; readonly ms: number }

const CLIENTS: readonly { readonly id: string; readonly version: 0 | 2 }[] = [
  { id: 'x', version: 2 },
  { id: 'x', version: 2 },
  { id: 'y', version: 0 },
  { id: 'y', version: 0 },
  { id: 'z', version: 2 }
]
export const CLIENT_COUNT = CLIENTS.length
export const PARTITION_COUNT = 3
const TIMEOUT_MS = 20_000

class Client {
  producerId = -1
  epoch = -1
  /** Of the transactional id when this client began. */
  generation = -1
  busy = false
  /** It must begin anew, or end its transaction. */
  broken: 'no' | 'abort' | 'fatal' = 'fatal'
  unit: Unit | undefined
  readonly sequences = new Map<number, number>()
}

export class TransactionSimulation {
  readonly #clock = new SimClock()
  readonly #log = new KillableLog()
  readonly #partitions = Array.from({ length: PARTITION_COUNT }, () => new SimPartition())
  readonly #clients = CLIENTS.map(() => new Client())
  readonly #units: Unit[] = []
  readonly #generations = new Map<string, number>()
  #life = 0
  #producerIds = 0
  #coordinator: TransactionCoordinator

  constructor() {
    this.#coordinator = this.#start()
  }

  #partition(index: number): SimPartition | undefined {
    const partition = this.#partitions[index]
    return partition?.up === true ? partition : undefined
  }

  /** Nothing of an earlier life happens any more. */
  #start(): TransactionCoordinator {
    const life = ++this.#life
    const sim = this.#clock
    const clock: Clock = {
      now: () => sim.now(),
      monotonic: () => sim.monotonic(),
      schedule: (delayMs, run) => sim.schedule(delayMs, () => this.#life === life && run())
    }
    const replicas = {
      partition: (_topic: string, index: number) => this.#partition(index),
      whyMissing: () => ErrorCode.NOT_LEADER_OR_FOLLOWER
    }
    const frames = { frameFrom: (buffer: Buffer) => ({ buffer, start: 0 }), release: () => {} }
    const services = { replicas, frames, clock, groups: undefined } as unknown as Parameters<typeof endTransaction>[0]
    const coordinator = new TransactionCoordinator({
      clock,
      logger: { info() {}, warn() {}, error() {} },
      log: this.#log,
      config: DEFAULT_TRANSACTION_CONFIG,
      partitions: () => 1,
      leaderEpoch: () => life,
      transactionVersion: () => 2,
      nextProducerId: () => Promise.resolve({ errorCode: 0, producerId: ++this.#producerIds }),
      append: (topic, index, marker) => (this.#life === life ? endTransaction(services, topic, index, marker) : new Promise(() => {})),
      exists: () => true
    })
    void coordinator.elect(0)
    return coordinator
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'init':
      case 'write':
      case 'commit':
      case 'abort':
        this.#act(step.do, this.#clients[step.client]!, step.client, step.partition)
        break
      case 'kill':
        this.#kill(step.kept)
        break
      case 'late':
        void this.#late(this.#clients[step.client]!, step.client, step.partition)
        break
      case 'fail':
        this.#log.failing = true
        break
      case 'hold':
        this.#log.holding = true
        break
      case 'release':
        this.#log.holding = false
        this.#log.release()
        break
      case 'down':
        this.#partitions[step.partition]!.up = false
        break
      case 'up':
        this.#partitions[step.partition]!.up = true
        break
      case 'advance':
        await this.#clock.advance(step.ms)
        return
    }
    await turn()
  }

  #kill(kept: number): void {
    this.#log.kill(kept)
    for (const client of this.#clients) {
      if (!client.busy) continue
      client.busy = false
      client.broken = 'fatal'
      if (client.unit) client.unit.outcome = 'unknown'
      client.unit = undefined
    }
    this.#coordinator = this.#start()
  }

  #act(what: 'init' | 'write' | 'commit' | 'abort', client: Client, index: number, partition: number): void {
    if (client.busy || (client.broken === 'fatal' && what !== 'init') || (client.broken === 'abort' && what === 'write')) return
    if (what === 'commit' && (client.broken !== 'no' || !client.unit)) return
    if (what === 'abort' && !client.unit) return
    client.busy = true
    const life = this.#life
    const still = (): boolean => this.#life === life
    const work =
      what === 'init'
        ? this.#init(client, index, still)
        : what === 'write'
          ? this.#write(client, index, partition, still)
          : this.#end(client, index, what === 'commit', still)
    void work.then(() => {
      if (still()) client.busy = false
    })
  }

  async #init(client: Client, index: number, still: () => boolean): Promise<void> {
    const { id } = CLIENTS[index]!
    // What it had open before is aborted now, or was.
    if (client.unit) client.unit.outcome = 'unknown'
    client.unit = undefined
    client.broken = 'fatal'
    const answer = await this.#coordinator.initProducerId({
      transactionalId: id,
      timeoutMs: TIMEOUT_MS,
      expected: undefined,
      enableTwoPhaseCommit: false,
      keepPreparedTransaction: false
    })
    if (!still() || answer.errorCode !== ErrorCode.NONE) return
    this.#become(client, answer.producerId, answer.producerEpoch)
    client.generation = (this.#generations.get(id) ?? 0) + 1
    this.#generations.set(id, client.generation)
    client.broken = 'no'
  }

  #become(client: Client, producerId: number, epoch: number): void {
    if (client.producerId !== producerId || client.epoch !== epoch) client.sequences.clear()
    client.producerId = producerId
    client.epoch = epoch
  }

  #admit(write: Parameters<typeof admit>[1]): ReturnType<typeof admit> {
    const config = { get: () => true }
    const replicas = { partition: (_topic: string, place: number) => this.#partition(place) }
    return admit({ config, replicas, transactions: this.#coordinator } as unknown as Parameters<typeof admit>[0], write)
  }

  async #write(client: Client, index: number, at: number, still: () => boolean): Promise<void> {
    const { id, version } = CLIENTS[index]!
    const { producerId, epoch: producerEpoch } = client
    client.unit ??= this.#newUnit(index, client.generation)
    const unit = client.unit
    const write = {
      transactionalId: id,
      producerId,
      producerEpoch,
      places: [[TOPIC, at]] as const,
      adds: version === 2,
      knowsAbortable: true
    }
    if (version === 0) {
      const request = { transactionalId: id, producerId, producerEpoch, partitions: new Map([[TOPIC, [at]]]), clientVersion: 0 }
      const errorCode = await this.#coordinator.addPartitions(request)
      if (!still() || errorCode !== ErrorCode.NONE) return this.#failed(client, errorCode)
    }
    const admission = await this.#admit(write)
    if (!still()) return
    const errorCode = admission(TOPIC, at)
    const partition = this.#partition(at)
    if (errorCode !== ErrorCode.NONE || !partition) return this.#failed(client, errorCode)
    const sequence = client.sequences.get(at) ?? 0
    const written = partition.write(unit, producerId, producerEpoch, sequence)
    if (written !== ErrorCode.NONE) return this.#failed(client, written)
    client.sequences.set(at, sequence + 1)
  }

  /** Of a client that adds partitions first; its epoch may be that of many transactions. */
  async #late(client: Client, index: number, at: number): Promise<void> {
    const { id, version } = CLIENTS[index]!
    const { producerId, epoch: producerEpoch } = client
    if (version !== 0 || producerId < 0) return
    const life = this.#life
    const admission = await this.#admit({
      transactionalId: id,
      producerId,
      producerEpoch,
      places: [[TOPIC, at]],
      adds: false,
      knowsAbortable: true
    })
    const partition = this.#partition(at)
    if (this.#life !== life || admission(TOPIC, at) !== ErrorCode.NONE || !partition) return
    const sequence = client.sequences.get(at) ?? 0
    const unit: Unit = { client: index, generation: client.generation, outcome: 'late' }
    if (partition.write(unit, producerId, producerEpoch, sequence) === ErrorCode.NONE && client.epoch === producerEpoch)
      client.sequences.set(at, sequence + 1)
  }

  #failed(client: Client, errorCode: number): void {
    client.broken = errorCode === ErrorCode.INVALID_PRODUCER_EPOCH || errorCode === ErrorCode.PRODUCER_FENCED ? 'fatal' : 'abort'
  }

  #newUnit(client: number, generation: number): Unit {
    const unit: Unit = { client, generation, outcome: 'open' }
    this.#units.push(unit)
    return unit
  }

  async #end(client: Client, index: number, commit: boolean, still: () => boolean): Promise<void> {
    const { id, version } = CLIENTS[index]!
    const unit = client.unit!
    const { producerId, epoch: producerEpoch } = client
    const current = this.#generations.get(id)!
    const answer = await this.#coordinator.endTransaction({
      transactionalId: id,
      producerId,
      producerEpoch,
      commit,
      clientVersion: version
    })
    if (!still()) return
    client.unit = undefined
    if (answer.errorCode !== ErrorCode.NONE) {
      unit.outcome = 'unknown'
      client.broken = 'fatal'
      return
    }
    assert(!commit || unit.generation === current, `a producer that was replaced has committed as ${id}`)
    unit.outcome = commit ? 'committed' : 'aborted'
    client.broken = 'no'
    if (version === 2) this.#become(client, answer.producerId, answer.producerEpoch)
  }

  /** Everything works again, and all that is open times out. */
  async settle(): Promise<void> {
    this.#log.holding = false
    this.#log.failing = false
    this.#log.release()
    for (const partition of this.#partitions) partition.up = true
    for (let n = 0; n < 4; n++) {
      await this.#clock.advance(TIMEOUT_MS)
      // Where no timer is due, nobody else lets promises have their turn.
      for (let turns = 0; turns < 10; turns++) await turn()
    }
  }

  /** After `settle`: every transaction is decided, in all partitions alike, and as its producer was told. */
  check(): void {
    const decisions = new Map<Unit, Set<boolean>>()
    for (const [at, { entries, states }] of this.#partitions.entries()) {
      assert.equal(states.firstUnstableOffset, undefined, `a transaction is open in partition ${at} for ever`)
      const open = new Map<number, Set<Unit>>()
      for (const entry of entries) {
        if ('unit' in entry) open.set(entry.producerId, (open.get(entry.producerId) ?? new Set()).add(entry.unit))
        else {
          const ended = open.get(entry.producerId) ?? new Set()
          open.delete(entry.producerId)
          assert([...ended].filter(({ outcome }) => outcome !== 'late').length <= 1, 'one marker ends two transactions')
          for (const unit of ended) decisions.set(unit, (decisions.get(unit) ?? new Set()).add(entry.commit))
        }
      }
    }
    for (const unit of this.#units) {
      const decided = decisions.get(unit)
      if (!decided) continue
      assert.equal(decided.size, 1, 'a part of a transaction is committed and a part aborted')
      const [committed] = decided
      if (unit.outcome === 'committed') assert(committed, 'a transaction is aborted that was said to be committed')
      if (unit.outcome === 'aborted' || unit.outcome === 'open') assert(!committed, 'a transaction is committed that nobody committed')
    }
  }

  /** How many transactions were begun, and committed: a simulation in which nothing happens shows nothing. */
  get counts(): { begun: number; committed: number } {
    return { begun: this.#units.length, committed: this.#units.filter(({ outcome }) => outcome === 'committed').length }
  }
}
