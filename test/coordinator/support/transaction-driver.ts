/**
 * Plays a transaction coordinator for scenario texts: one partition over a log in memory, a clock that stands still, producer ids that count.
 * Each command prints what it did: records that were written, markers that were asked for, answers (a request that waits prints when it is
 * answered). Producers are written `id/epoch`.
 *
 *     init x timeout=60s expect=1/0
 *     add x 1/0 t:0 t:1 v=2
 *     end x 1/0 commit v=2
 */
import { transactionCodec } from '../../../src/coordinator/transaction/transaction-codec.js'
import { DEFAULT_TRANSACTION_CONFIG, type TransactionConfig } from '../../../src/coordinator/transaction/transaction-config.js'
import { TransactionCoordinator } from '../../../src/coordinator/transaction/transaction-coordinator.js'
import type { Marker } from '../../../src/coordinator/transaction/markers.js'
import {
  NO_PARTITIONS,
  partitionSet,
  type PartitionSet,
  type TransactionRecord,
  type TransactionState
} from '../../../src/coordinator/transaction/transaction-metadata.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import type { Command } from '../../support/scenario.js'
import { MemoryLog } from './memory-log.js'
import { SimClock, turn } from './sim-clock.js'

const PARTITION = 0
const START = 1_000_000
const ERROR_NAMES = new Map(Object.entries(ErrorCode).map(([name, code]) => [code as number, name]))

export class TransactionDriver {
  readonly clock = new SimClock(START)
  readonly log = new MemoryLog()
  #config: TransactionConfig = DEFAULT_TRANSACTION_CONFIG
  #version = 2
  #epoch = 0
  #producerIds = 0
  #seen = 0
  #out: string[] = []
  #held: (() => void)[] | undefined
  readonly #failures: number[] = []
  readonly #gone = new Set<string>()
  #coordinator: TransactionCoordinator
  readonly #codec = transactionCodec(() => this.#version)

  constructor() {
    this.#coordinator = this.#start()
  }

  #start(): TransactionCoordinator {
    const epoch = this.#epoch
    const warn = (line: string): void => this.#print(`  log: ${line}`)
    return new TransactionCoordinator({
      clock: this.clock,
      logger: { info() {}, warn, error: warn },
      log: this.log,
      config: this.#config,
      partitions: () => 1,
      leaderEpoch: () => this.#epoch,
      transactionVersion: () => this.#version,
      nextProducerId: () => Promise.resolve({ errorCode: 0, producerId: ++this.#producerIds }),
      append: (topic, index, marker) => this.#appendMarker(epoch, topic, index, marker),
      exists: (topic) => !this.#gone.has(topic)
    })
  }

  async #appendMarker(epoch: number, topic: string, index: number, marker: Marker): Promise<number> {
    if (this.#held) await new Promise<void>((resolve) => this.#held!.push(resolve))
    // That coordinator was killed.
    if (epoch !== this.#epoch) return new Promise(() => {})
    const errorCode = this.#failures.shift() ?? 0
    const { commit, producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker
    this.#printRecords()
    this.#print(
      `  ! ${topic}-${index} ${commit ? 'commit' : 'abort'} ${producerId}/${producerEpoch} coordinator=${coordinatorEpoch} v=${transactionVersion}${
        errorCode ? ` ${nameOf(errorCode)}` : ''
      }`
    )
    return errorCode
  }

  async run(command: Command): Promise<string> {
    this.#out = []
    const method = this.#commands[command.name]
    if (!method) throw new Error(`no such command: ${command.name}`)
    await method(command)
    await turn()
    await turn()
    this.#printRecords()
    return this.#out.join('\n')
  }

  close(): Promise<void> {
    return this.#coordinator.close()
  }

  #print(line: string): void {
    this.#out.push(line)
  }

  readonly #commands: Record<string, (command: Command) => Promise<void> | void> = {
    start: () => this.#coordinator.elect(PARTITION),
    config: ({ options }) => {
      const changes = Object.fromEntries(
        Object.entries(options).map(([name, value]) => [name, /^\d/.test(value) ? milliseconds(value) : value === 'true'])
      )
      this.#config = { ...this.#config, ...changes }
      void this.#coordinator.close()
      this.#coordinator = this.#start()
    },
    // What a kill leaves: only what is in the log.
    restart: async () => {
      this.log.loseHeld()
      void this.#coordinator.close()
      await turn()
      this.#epoch++
      this.#coordinator = this.#start()
      await this.#coordinator.elect(PARTITION)
    },
    resign: () => this.#coordinator.resign(PARTITION),
    version: ({ words }) => void (this.#version = Number(words[0])),
    advance: ({ words }) =>
      this.clock.advance(milliseconds(words[0]!), async () => {
        await turn()
        this.#printRecords()
      }),
    'hold-writes': () => this.log.hold(),
    'release-writes': () => this.log.release(),
    'fail-write': ({ words }) => this.log.failNext(codeOf(words[0]!)),
    'hold-markers': () => void (this.#held ??= []),
    'release-markers': () => {
      const held = this.#held ?? []
      this.#held = undefined
      for (const go of held) go()
    },
    'fail-marker': ({ words }) => void this.#failures.push(...words.map(codeOf)),
    'delete-topic': ({ words }) => void this.#gone.add(words[0]!),
    put: (command) => this.#put(command),
    init: (command) => this.#init(command),
    add: (command) => this.#add(command),
    verify: (command) => this.#verify(command),
    end: (command) => this.#end(command),
    describe: ({ words }) =>
      this.#whenAnswered(words[0]!, this.#coordinator.describe(words[0]!), (one) =>
        one.errorCode
          ? nameOf(one.errorCode)
          : `${one.transactionState} ${one.producerId}/${one.producerEpoch} timeout=${one.transactionTimeoutMs} start=${one.transactionStartTimeMs} [${one.topics
              .map(({ topic, partitions }) => `${topic}:${partitions.join('+')}`)
              .join(' ')}]`
      ),
    list: (command) => this.#list(command)
  }

  #printRecords(): void {
    const entries = this.log.entries(PARTITION)
    for (; this.#seen < entries.length; this.#seen++) {
      const entry = entries[this.#seen]!
      if ('batch' in entry) for (const { key, value } of entry.batch) this.#print(`  > ${formatRecord(this.#codec.decode(key, value)!)}`)
    }
  }

  #whenAnswered<T>(who: string, answer: Promise<T>, format: (answer: T) => string): void {
    void answer.then((value) => {
      this.#printRecords()
      this.#print(`  ${who}: ${format(value)}`)
    })
  }

  /** A transactional id as it could have become after thousands of transactions. */
  #put({ words, options }: Command): void {
    const [transactionalId = '', state = 'Empty', producer = ''] = words
    const value = {
      ...producerOf(producer),
      state: state as TransactionState,
      previousProducerId: Number(options['previous'] ?? -1),
      nextProducerId: -1,
      lastProducerEpoch: -1,
      timeoutMs: 60_000,
      partitions: placesOf(words.slice(3)),
      startMs: START,
      lastUpdateMs: START,
      clientVersion: Number(options['v'] ?? 0)
    }
    this.log.put(PARTITION, [this.#codec.encode({ transactionalId, value })])
    this.#seen++
  }

  #init({ words: [transactionalId = ''], options }: Command): void {
    const request = {
      transactionalId,
      timeoutMs: milliseconds(options['timeout'] ?? '60s'),
      expected: options['expect'] === undefined ? undefined : producerOf(options['expect']),
      enableTwoPhaseCommit: options['two-phase'] === 'true',
      keepPreparedTransaction: options['keep-prepared'] === 'true'
    }
    this.#whenAnswered(options['as'] ?? 'init', this.#coordinator.initProducerId(request), formatProducer)
  }

  #add({ words: [transactionalId = '', producer = '', ...places], options }: Command): void {
    const request = { transactionalId, ...producerOf(producer), partitions: placesOf(places), clientVersion: Number(options['v'] ?? 0) }
    this.#whenAnswered('add', this.#coordinator.addPartitions(request), nameOf)
  }

  #verify({ words: [transactionalId = '', producer = '', ...places] }: Command): void {
    const request = { transactionalId, ...producerOf(producer), partitions: placesOf(places) }
    this.#whenAnswered('verify', this.#coordinator.verifyPartitions(request), ({ errorCode, missing }) =>
      errorCode ? nameOf(errorCode) : missing.size > 0 ? `missing ${formatPlaces(missing)}` : 'ok'
    )
    this.#print(`  open: ${this.#coordinator.isOpen(request)}`)
  }

  #end({ words: [transactionalId = '', producer = '', how = ''], options }: Command): void {
    const request = { transactionalId, ...producerOf(producer), commit: how === 'commit', clientVersion: Number(options['v'] ?? 0) }
    this.#whenAnswered(options['as'] ?? 'end', this.#coordinator.endTransaction(request), formatProducer)
  }

  #list({ options }: Command): void {
    const filter = {
      states: options['states']?.split(',') ?? [],
      producerIds: options['producers']?.split(',').map(Number) ?? [],
      longerThanMs: options['longer'] === undefined ? -1 : milliseconds(options['longer'])
    }
    this.#whenAnswered('list', this.#coordinator.list(filter), ({ errorCode, transactions }) =>
      errorCode
        ? nameOf(errorCode)
        : transactions.map((one) => `${one.transactionalId}=${one.producerId}:${one.transactionState}`).join(' ') || 'nothing'
    )
  }
}

function formatRecord({ transactionalId, value }: TransactionRecord): string {
  if (value === null) return `${transactionalId} deleted`
  const { state, producerId, producerEpoch, previousProducerId, nextProducerId, startMs, clientVersion, partitions } = value
  const rest = [
    ...(previousProducerId === producerId ? [] : [`previous=${previousProducerId}`]),
    ...(nextProducerId < 0 ? [] : [`next=${nextProducerId}`]),
    ...(startMs < 0 ? [] : [`start=${startMs - START}`]),
    ...(clientVersion === 0 ? [] : [`v=${clientVersion}`]),
    ...(partitions.size === 0 ? [] : [formatPlaces(partitions)])
  ]
  return [transactionalId, state, `${producerId}/${producerEpoch}`, ...rest].join(' ')
}

function formatPlaces(partitions: PartitionSet): string {
  return [...partitions].flatMap(([topic, indexes]) => indexes.map((index) => `${topic}-${index}`)).join(' ')
}

function formatProducer({
  errorCode,
  producerId,
  producerEpoch
}: {
  errorCode: number
  producerId: number
  producerEpoch: number
}): string {
  return errorCode === 0 ? `ok ${producerId}/${producerEpoch}` : `${nameOf(errorCode)}${producerId < 0 ? '' : ` ${producerId}`}`
}

function producerOf(text: string): { producerId: number; producerEpoch: number } {
  const [producerId, producerEpoch] = text.split('/').map(Number)
  return { producerId: producerId!, producerEpoch: producerEpoch! }
}

function placesOf(words: readonly string[]): PartitionSet {
  if (words.length === 0) return NO_PARTITIONS
  return partitionSet(
    words.map((word) => {
      const [topic = '', index = '0'] = word.split(':')
      return [topic, Number(index)] as const
    })
  )
}

function codeOf(name: string): number {
  return (ErrorCode as Record<string, number>)[name]!
}

function nameOf(errorCode: number): string {
  return errorCode === 0 ? 'ok' : (ERROR_NAMES.get(errorCode) ?? String(errorCode))
}

function milliseconds(duration: string): number {
  const [, amount = '0', unit = 'ms'] = /^(-?\d+)(ms|s|m|h|d)?$/.exec(duration) ?? []
  return Number(amount) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit]!
}
