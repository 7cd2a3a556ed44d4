/**
 * How quotas measure, as Apache Kafka does: a rate over some windows, and a bucket of tokens for changes of the cluster (KIP-599). Pure: time
 * comes in, in milliseconds that never step back.
 */
export interface Windows {
  /** `quota.window.num` */
  readonly count: number
  /** `quota.window.size.seconds`, in milliseconds */
  readonly sizeMs: number
}

const MS = 1000

/**
 * A rate per second over the last `count` windows. At the beginning the rate counts as if it had been measured over all but one of them, so that
 * a burst passes that the windows can make up for.
 */
export class RateMeter {
  readonly #windows: Windows
  readonly #starts: Float64Array
  readonly #totals: Float64Array
  #at = 0
  /** When it last recorded something. */
  lastMs: number

  constructor(windows: Windows, nowMs: number) {
    this.#windows = windows
    this.#starts = new Float64Array(windows.count).fill(nowMs)
    this.#totals = new Float64Array(windows.count)
    this.lastMs = nowMs
  }

  /** A negative value takes back what did not happen after all. */
  record(value: number, nowMs: number): void {
    const { sizeMs, count } = this.#windows
    if (nowMs - this.#starts[this.#at]! >= sizeMs) {
      this.#at = (this.#at + 1) % count
      this.#starts[this.#at] = nowMs
      this.#totals[this.#at] = 0
    }
    this.#totals[this.#at]! += value
    this.lastMs = nowMs
  }

  /** Per second. */
  rate(nowMs: number): number {
    const { sizeMs, count } = this.#windows
    let total = 0
    for (let at = 0; at < count; at++) {
      if (nowMs - this.#starts[at]! >= count * sizeMs) {
        this.#starts[at] = nowMs
        this.#totals[at] = 0
      }
      total += this.#totals[at]!
    }
    return (total * MS) / this.spanMs(nowMs)
  }

  /** What the rate is measured over. */
  spanMs(nowMs: number): number {
    const { sizeMs, count } = this.#windows
    let oldest = nowMs
    for (const start of this.#starts) if (start < oldest) oldest = start
    const elapsed = nowMs - oldest
    const full = Math.floor(elapsed / sizeMs)
    const span = full < count - 1 ? elapsed + (count - 1 - full) * sizeMs : elapsed
    // With a single window that has just begun there is no time to divide by.
    return span > 0 ? span : sizeMs
  }

  /** How long to wait until the rate is at `limit` again, if nothing is added; 0: it is below. */
  throttleMs(limit: number, nowMs: number): number {
    const rate = this.rate(nowMs)
    return rate <= limit ? 0 : Math.round(((rate - limit) / limit) * this.spanMs(nowMs))
  }
}

/** Tokens come at a rate and are kept for as long as the windows; taking more than there are leaves a debt. */
export class TokenBucket {
  readonly #windows: Windows
  #tokens = 0
  #filledMs = -Infinity
  lastMs: number

  constructor(windows: Windows, nowMs: number) {
    this.#windows = windows
    this.lastMs = nowMs
  }

  /** The tokens that are there; below 0: a debt. */
  tokens(perSecond: number, nowMs: number): number {
    const { count, sizeMs } = this.#windows
    const most = (perSecond * count * sizeMs) / MS
    this.#tokens = Math.min(most, this.#tokens + (perSecond * (nowMs - this.#filledMs)) / MS)
    this.#filledMs = nowMs
    return this.#tokens
  }

  take(count: number, perSecond: number, nowMs: number): void {
    this.tokens(perSecond, nowMs)
    this.#tokens -= count
    this.lastMs = nowMs
  }

  /** How long to wait until the debt is paid; 0: there is none. */
  throttleMs(perSecond: number, nowMs: number): number {
    const tokens = this.tokens(perSecond, nowMs)
    return tokens >= 0 ? 0 : Math.round((-tokens / perSecond) * MS)
  }
}
