/** Plays native code: an answer that stands is what the coordinator would answer now, and it would do nothing else. */
import assert from 'node:assert/strict'
import type { GroupEffects } from '../../../src/coordinator/group/group-records.js'
import { StandingAnswers, type MayStand, type Standing } from '../../../src/coordinator/standing-answers.js'

type Ask<T> = (effects: GroupEffects) => T

interface Given {
  readonly answer: object
  readonly standing: Standing
  readonly again: Ask<MayStand>
}

export class StandingCheck {
  readonly #numbers = new Float64Array(2 * 1024)
  readonly answers = new StandingAnswers(this.#numbers)
  #given: Given[] = []
  /** How often an answer was looked at that stood. */
  looked = 0

  /** Sends a heartbeat: `send` gives it to the coordinator. */
  ask<T extends MayStand>(effects: GroupEffects, send: Ask<T>): Omit<T, 'standing'> {
    const { standing, ...answer } = send(effects)
    if (standing) this.#given.push({ answer, standing, again: send })
    return answer
  }

  check(now: number): void {
    const standing = this.#given.filter((given) => this.#numbers[given.standing.place * 2] === given.standing.stamp)
    this.#given = []
    for (const { answer, again } of standing) {
      this.looked++
      assert.deepEqual(this.ask(inert(now), again), answer, 'an answer stood that was no longer true')
    }
  }
}

/** Of a heartbeat that stands, the session may go on and nothing else happen. */
function inert(now: number): GroupEffects {
  const fail = (): never => assert.fail('an answer stood while there was something to do')
  return { now, emit: fail, emitInTransaction: fail, whenWritten: fail, reply: fail, schedule: () => {}, cancel: fail }
}
