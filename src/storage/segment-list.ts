/** The segments of one log, in the order of their base offsets. */
import { strict as assert } from 'node:assert'
import type { LogSegment } from './log-segment.js'

export class SegmentList {
  readonly #segments: LogSegment[] = []

  get count(): number {
    return this.#segments.length
  }

  /** The one that is appended to. */
  get active(): LogSegment {
    const last = this.#segments[this.#segments.length - 1]
    assert(last, 'a log has at least one segment')
    return last
  }

  get first(): LogSegment {
    const first = this.#segments[0]
    assert(first, 'a log has at least one segment')
    return first
  }

  has(segment: LogSegment): boolean {
    return this.#segments[this.floor(segment.baseOffset)] === segment
  }

  at(index: number): LogSegment | undefined {
    return this.#segments[index]
  }

  all(): readonly LogSegment[] {
    return this.#segments
  }

  /** As they are now, for who waits in between. */
  snapshot(): LogSegment[] {
    return this.#segments.slice()
  }

  add(segment: LogSegment): void {
    assert(this.#segments.length === 0 || segment.baseOffset > this.active.baseOffset, 'segments are added in the order of their offsets')
    this.#segments.push(segment)
  }

  /** The index of the segment whose range holds `offset`: the last whose base offset is not above it; -1 when it lies before all. */
  floor(offset: number): number {
    const segments = this.#segments
    let low = 0
    let high = segments.length - 1
    // Most reads are at the end.
    if (high >= 0 && segments[high]!.baseOffset <= offset) return high
    while (low <= high) {
      const middle = (low + high) >> 1
      if (segments[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle - 1
    }
    return high
  }

  /** Takes out the first `count`. */
  removeFirst(count: number): LogSegment[] {
    return this.#segments.splice(0, count)
  }

  /** Puts `segment` in the place of the neighbours `old`. */
  replace(old: readonly LogSegment[], segment: LogSegment): void {
    const index = this.#segments.indexOf(old[0]!)
    assert(index >= 0 && this.#segments[index + old.length - 1] === old.at(-1), 'neighbours are replaced')
    this.#segments.splice(index, old.length, segment)
  }

  removeLast(): LogSegment {
    const last = this.#segments.pop()
    assert(last, 'a log has at least one segment')
    return last
  }

  get sizeBytes(): number {
    let total = 0
    for (const segment of this.#segments) total += segment.size
    return total
  }
}
