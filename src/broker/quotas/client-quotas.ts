/**
 * Client quotas in force: what clients used, and how long they have to wait. A client that is over its quota gets its answer with
 * `throttle_time_ms` and is not read for so long (KIP-219). Nothing is measured while no quota is set: `active` is all that a request looks at.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.js'
import type { QuotaEntity } from '../../metadata/client-quota-image.js'
import { QuotaLimits, QuotaType, type Limit } from './limits.js'
import { RateMeter, TokenBucket, type Windows } from './meters.js'

/** Who a request comes from. */
export interface QuotaClient {
  readonly clientId: string | null
}

export interface QuotaWindows {
  /** `quota.window.num`, `quota.window.size.seconds` */
  readonly clients: Windows
  /** `controller.quota.window.num`, `controller.quota.window.size.seconds` */
  readonly controller: Windows
}

/** A limit and what was used of it, for one client; none of them where there is no quota. */
interface Account {
  readonly produce: Metered<RateMeter> | undefined
  readonly consume: Metered<RateMeter> | undefined
  readonly request: Metered<RateMeter> | undefined
  readonly mutation: Metered<TokenBucket> | undefined
}

interface Metered<M> {
  readonly limit: number
  readonly meter: M
}

/** Everybody, until there is authentication. */
const ANONYMOUS = 'ANONYMOUS'
/** As in Kafka: what a meter that nobody used for so long knew is forgotten. */
const IDLE_MS = 3_600_000
/** Client ids come from clients: so many are kept, with their meters. */
const MOST_ACCOUNTS = 10_000
/** Nor may a few of them fill the memory by their length. */
const LONGEST_KEPT = 300
const MS_PER_SECOND = 1000
const PERCENT = 100

export class ClientQuotas {
  readonly #clock: Clock
  readonly #windows: QuotaWindows
  #limits = new QuotaLimits([])
  readonly #accounts = new Map<string, Account>()
  readonly #meters = new Map<string, RateMeter | TokenBucket>()
  /** There is a quota of users or clients. */
  active = false
  /** There is a quota of addresses. */
  addressesActive = false

  constructor(clock: Clock, windows: QuotaWindows) {
    this.#clock = clock
    this.#windows = windows
  }

  /** The quotas that hold from now on. What was used before still counts. */
  set(entities: Iterable<QuotaEntity>): void {
    this.#limits = new QuotaLimits(entities)
    this.active = this.#limits.any
    this.addressesActive = this.#limits.anyAddress
    this.#accounts.clear()
    if (!this.active && !this.addressesActive) this.#meters.clear()
  }

  /** Counts a Produce request. Returns the time to wait in milliseconds. */
  produced(client: QuotaClient, bytes: number): number {
    return this.#use(this.#accountOf(client).produce, bytes)
  }

  /** Counts what a Fetch is about to be answered with. When it has to wait it gets nothing, and what it did not get is not counted. */
  fetched(client: QuotaClient, bytes: number): number {
    const { consume, request } = this.#accountOf(client)
    const waitMs = Math.max(this.#use(consume, bytes), this.#overMs(request))
    if (waitMs > 0) consume?.meter.record(-bytes, this.#clock.monotonic())
    return waitMs
  }

  /** A fetch of more than this could never be sent within the quota. */
  mostFetchBytes(client: QuotaClient): number {
    const { consume } = this.#accountOf(client)
    if (!consume) return Infinity
    const { count, sizeMs } = this.#windows.clients
    return Math.max(0, Math.floor((consume.limit * Math.max(1, count - 1) * sizeMs) / MS_PER_SECOND))
  }

  /**
   * Counts the time that this thread worked for a request: reading it, its handler up to where it waits, writing and sending the answer. Not seen is
   * what goes on after a wait, and on native threads.
   */
  worked(client: QuotaClient, tookMs: number): void {
    this.#accountOf(client).request?.meter.record((tookMs / MS_PER_SECOND) * PERCENT, this.#clock.monotonic())
  }

  /** How long a client has to wait for the sake of the time that was spent on it: at most one window. */
  overRequestTime(client: QuotaClient): number {
    return this.#overMs(this.#accountOf(client).request)
  }

  /**
   * Counts partitions that are created or deleted. `strict`: from the first that is too many all are refused; else (for versions of the requests
   * that know no such error) they are done, and paid for by waiting.
   */
  mutation(client: QuotaClient, strict: boolean): Mutation {
    return new Mutation(this.#clock, this.#accountOf(client).mutation, strict)
  }

  /** Counts a connection. Above 0: it is one too many, and to be closed after so many milliseconds. */
  connected(address: string): number {
    const limit = this.#limits.connectionsFrom(address)
    if (limit === undefined) return 0
    const now = this.#clock.monotonic()
    const meter = this.#meter(`connections ${address}`, () => new RateMeter(this.#windows.clients, now))
    meter.record(1, now)
    const waitMs = Math.min(meter.throttleMs(limit, now), this.#windows.clients.sizeMs)
    if (waitMs > 0) meter.record(-1, now)
    return waitMs
  }

  #use(metered: Metered<RateMeter> | undefined, value: number): number {
    if (!metered) return 0
    const now = this.#clock.monotonic()
    metered.meter.record(value, now)
    return metered.meter.throttleMs(metered.limit, now)
  }

  #overMs(request: Metered<RateMeter> | undefined): number {
    if (!request) return 0
    return Math.min(request.meter.throttleMs(request.limit, this.#clock.monotonic()), this.#windows.clients.sizeMs)
  }

  #accountOf({ clientId }: QuotaClient): Account {
    const id = clientId ?? ''
    let account = this.#accounts.get(id)
    if (account) return account
    if (this.#accounts.size >= MOST_ACCOUNTS) this.#accounts.clear()
    account = {
      produce: this.#rate(QuotaType.produce, id),
      consume: this.#rate(QuotaType.consume, id),
      request: this.#rate(QuotaType.request, id),
      mutation: this.#bucket(id)
    }
    if (id.length <= LONGEST_KEPT) this.#accounts.set(id, account)
    return account
  }

  #rate(type: QuotaType, clientId: string): Metered<RateMeter> | undefined {
    const limit = this.#limits.of(type, ANONYMOUS, clientId)
    return limit && { limit: limit.value, meter: this.#meter(meterKey(type, limit), (now) => new RateMeter(this.#windows.clients, now)) }
  }

  #bucket(clientId: string): Metered<TokenBucket> | undefined {
    const type = QuotaType.mutation
    const limit = this.#limits.of(type, ANONYMOUS, clientId)
    return (
      limit && { limit: limit.value, meter: this.#meter(meterKey(type, limit), (now) => new TokenBucket(this.#windows.controller, now)) }
    )
  }

  #meter<M extends RateMeter | TokenBucket>(key: string, make: (nowMs: number) => M): M {
    let meter = this.#meters.get(key)
    if (!meter) {
      const now = this.#clock.monotonic()
      if (this.#meters.size >= MOST_ACCOUNTS) this.#forgetIdle(now)
      this.#meters.set(key, (meter = make(now)))
    }
    return meter as M
  }

  // When all are in use the oldest goes: a client that makes up ids can not fill the memory, only shorten what is known of others.
  #forgetIdle(nowMs: number): void {
    for (const [key, { lastMs }] of this.#meters) if (nowMs - lastMs > IDLE_MS) this.#meters.delete(key)
    for (const key of this.#meters.keys()) {
      if (this.#meters.size < MOST_ACCOUNTS) break
      this.#meters.delete(key)
    }
    this.#accounts.clear()
  }
}

function meterKey(type: QuotaType, { sharedBy }: Limit): string {
  const key = `${type} ${sharedBy}`
  return key.length <= 2 * LONGEST_KEPT ? key : createHash('sha256').update(key).digest('base64')
}

/** The changes of one request. */
export class Mutation {
  readonly #clock: Clock
  readonly #metered: Metered<TokenBucket> | undefined
  readonly #strict: boolean
  #throttleMs = 0

  constructor(clock: Clock, metered: Metered<TokenBucket> | undefined, strict: boolean) {
    this.#clock = clock
    this.#metered = metered
    this.#strict = strict
  }

  /** For `throttle_time_ms`. */
  get throttleMs(): number {
    return this.#throttleMs
  }

  /** False: refuse it. */
  readonly allows = (partitions: number): boolean => {
    if (!this.#metered) return true
    const { limit, meter } = this.#metered
    const now = this.#clock.monotonic()
    if (this.#strict) {
      const debtMs = meter.throttleMs(limit, now)
      if (debtMs > 0) {
        this.#throttleMs = debtMs
        return false
      }
      meter.take(partitions, limit, now)
      return true
    }
    meter.take(partitions, limit, now)
    this.#throttleMs = meter.throttleMs(limit, now)
    return true
  }
}
