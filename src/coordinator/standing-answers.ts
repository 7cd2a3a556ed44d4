/**
 * Answers to heartbeats that native code may give again by itself: the same request gets the same answer until something happens to the
 * group. What may happen revokes them first; that a session goes on is written into shared memory by who answers, and asked for before
 * the session may expire.
 */

/** An answer holds as long as its place has its stamp. */
export interface Standing {
  readonly place: number
  readonly stamp: number
}

/** A response that may stand: it is given again to the same request. No field of the protocol. */
export interface MayStand {
  readonly standing?: Standing
}

/** Two numbers for each place: the stamp (0: none), and when the answer was last given, on the monotonic clock in ms. */
const NUMBERS = 2
/** As many members as can have answers that stand, in a megabyte. */
export const STANDING_PLACES = 65_536

export class StandingAnswers {
  readonly #numbers: Float64Array
  readonly #places = new Map<string, number>()
  readonly #free: number[] = []
  #used = 0
  #stamps = 0
  readonly #standing = new Map<string, Set<number>>()

  /** `numbers`: what native code shares (`ioStandings`). */
  constructor(numbers: Float64Array) {
    this.#numbers = numbers
  }

  /** `session` is the name of the timer that ends the member's session. Undefined: no place is left. */
  stand(groupId: string, session: string): Standing | undefined {
    const place = this.#places.get(session) ?? this.#take(session)
    if (place === undefined) return undefined
    const stamp = ++this.#stamps
    this.#numbers[place * NUMBERS] = stamp
    const ofGroup = this.#standing.get(groupId)
    if (ofGroup) ofGroup.add(place)
    else this.#standing.set(groupId, new Set([place]))
    return { place, stamp }
  }

  /** Something happens to the group: its members are answered anew. */
  revoke(groupId: string): void {
    const places = this.#standing.get(groupId)
    if (!places) return
    for (const place of places) this.#numbers[place * NUMBERS] = 0
    this.#standing.delete(groupId)
  }

  revokeAll(): void {
    for (const groupId of this.#standing.keys()) this.revoke(groupId)
  }

  /** When the member was last given an answer that stood, also if that was revoked since; 0: never in this session. */
  heard(session: string): number {
    const place = this.#places.get(session)
    return place === undefined ? 0 : this.#numbers[place * NUMBERS + 1]!
  }

  /** The session has ended. */
  forget(session: string): void {
    const place = this.#places.get(session)
    if (place === undefined) return
    this.#places.delete(session)
    this.#numbers.fill(0, place * NUMBERS, (place + 1) * NUMBERS)
    this.#free.push(place)
  }

  #take(session: string): number | undefined {
    const place = this.#free.pop() ?? (this.#used * NUMBERS < this.#numbers.length ? this.#used++ : undefined)
    if (place !== undefined) this.#places.set(session, place)
    return place
  }
}
