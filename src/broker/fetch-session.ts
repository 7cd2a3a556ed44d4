/**
 * Incremental fetch sessions (KIP-227): the broker remembers what a consumer fetches, so that requests and responses carry only what changed.
 *
 * | request's session id, epoch | meaning |
 * | --- | --- |
 * | 0, -1 | no session: a full fetch |
 * | 0, 0 | a full fetch that asks for a new session |
 * | N, 0 | closes session N and asks for a new one |
 * | N, -1 | closes session N, a full fetch without one |
 * | N, next epoch | incremental: only changed and forgotten partitions are listed |
 */
import { ErrorCode } from '../protocol/error-codes.js'

export const FINAL_EPOCH = -1
export const INITIAL_EPOCH = 0
const LAST_EPOCH = 0x7fffffff

/** One partition of a fetch, as the client last asked for it, and what it was last told. */
export interface FetchTarget {
  /** As the request named it: below version 13 by name, from 13 by id. The other half is filled in when it is known. */
  topic: string
  topicId: string
  readonly partition: number
  fetchOffset: number
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  /** What the last response said; -1 when nothing was said yet. */
  highWatermark: number
  logStartOffset: number
}

export interface FetchSession {
  readonly id: number
  /** Whether the session speaks of topics by id (version 13 and up): a change ends it. */
  readonly usesTopicIds: boolean
  /** The epoch that the next request must carry. */
  epoch: number
  /** In the order of service: a partition that was sent moves to the end, so that none starves. */
  readonly targets: Map<string, FetchTarget>
  readonly createdMs: number
  lastUsedMs: number
}

export interface FetchSessionOptions {
  /** `max.incremental.fetch.session.cache.slots` */
  readonly slots: number
  /** `min.incremental.fetch.session.eviction.ms` */
  readonly evictionMs: number
  /** A random positive int32 for a new session. */
  readonly randomId: () => number
}

export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly targets: readonly FetchTarget[]
  readonly forgotten: readonly string[]
}

/** The partitions to serve, and how the response is to be cut. */
export interface FetchContext {
  readonly errorCode: number
  /** What the response says; 0: no session. */
  readonly sessionId: number
  readonly targets: readonly FetchTarget[]
  /** Present for an incremental fetch: partitions with nothing new are left out. */
  readonly session: FetchSession | undefined
  readonly incremental: boolean
}

export function targetKey(usesTopicIds: boolean, topic: string, topicId: string, partition: number): string {
  return `${usesTopicIds ? topicId : topic}/${partition}`
}

export class FetchSessions {
  #options: FetchSessionOptions
  // Oldest use first: touching a session moves it to the end.
  readonly #sessions = new Map<number, FetchSession>()

  constructor(options: FetchSessionOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Decides what a request means, and updates or makes its session. */
  open(request: SessionRequest, nowMs: number): FetchContext {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (sessionId !== 0) this.#sessions.delete(sessionId)
      const session = sessionEpoch === INITIAL_EPOCH ? this.#create(request, nowMs) : undefined
      return {
        errorCode: ErrorCode.NONE,
        sessionId: session?.id ?? 0,
        targets: session ? [...session.targets.values()] : request.targets,
        session,
        incremental: false
      }
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return refuse(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.usesTopicIds !== request.usesTopicIds) return refuse(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    if (session.epoch !== sessionEpoch) return refuse(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    this.#update(session, request)
    session.epoch = sessionEpoch === LAST_EPOCH ? 1 : sessionEpoch + 1
    session.lastUsedMs = nowMs
    this.#sessions.delete(sessionId)
    if (session.targets.size === 0) return { errorCode: ErrorCode.NONE, sessionId: 0, targets: [], session: undefined, incremental: false }
    this.#sessions.set(sessionId, session)
    return { errorCode: ErrorCode.NONE, sessionId, targets: [...session.targets.values()], session, incremental: true }
  }

  close(sessionId: number): void {
    this.#sessions.delete(sessionId)
  }

  #update(session: FetchSession, request: SessionRequest): void {
    for (const target of request.targets) {
      const key = targetKey(session.usesTopicIds, target.topic, target.topicId, target.partition)
      const known = session.targets.get(key)
      if (known === undefined) session.targets.set(key, target)
      else {
        known.fetchOffset = target.fetchOffset
        known.maxBytes = target.maxBytes
        known.currentLeaderEpoch = target.currentLeaderEpoch
        known.lastFetchedEpoch = target.lastFetchedEpoch
      }
    }
    for (const key of request.forgotten) session.targets.delete(key)
  }

  #create(request: SessionRequest, nowMs: number): FetchSession | undefined {
    if (request.targets.length === 0 || !this.#makeRoom(request.targets.length, nowMs)) return undefined
    let id = this.#options.randomId()
    while (id === 0 || this.#sessions.has(id)) id = this.#options.randomId()
    const targets = new Map<string, FetchTarget>()
    for (const target of request.targets)
      targets.set(targetKey(request.usesTopicIds, target.topic, target.topicId, target.partition), target)
    const session = { id, usesTopicIds: request.usesTopicIds, epoch: 1, targets, createdMs: nowMs, lastUsedMs: nowMs }
    this.#sessions.set(id, session)
    return session
  }

  // Evicts one session when all slots are taken: the longest unused if it is stale, else the smallest that is smaller than the new one and old enough.
  #makeRoom(size: number, nowMs: number): boolean {
    const { slots, evictionMs } = this.#options
    if (slots <= 0) return false
    if (this.#sessions.size < slots) return true
    const oldest = this.#sessions.values().next().value!
    if (nowMs - oldest.lastUsedMs > evictionMs) return this.#sessions.delete(oldest.id)
    let smallest: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (nowMs - session.createdMs > evictionMs && (smallest === undefined || session.targets.size < smallest.targets.size))
        smallest = session
    }
    return smallest !== undefined && smallest.targets.size < size && this.#sessions.delete(smallest.id)
  }
}

function refuse(errorCode: number): FetchContext {
  return { errorCode, sessionId: 0, targets: [], session: undefined, incremental: false }
}
