/** Time, passed in, so that everything that decides can run under a simulated clock. */
export interface Clock {
  /** Milliseconds since the epoch: what records and commits are stamped with. */
  now(): number
  /** Milliseconds that never step back: what time-outs are measured with. */
  monotonic(): number
  /** Calls `run` once after `delayMs`. The handle cancels it; cancelling twice, or after it ran, does nothing. */
  schedule(delayMs: number, run: () => void): Timer
}

export interface Timer {
  cancel(): void
}

const LONGEST_DELAY_MS = 0x7fffffff

/** The real clock. Timers keep the process alive only if `ref` is true. */
export function systemClock({ ref = false } = {}): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    schedule(delayMs, run) {
      const timer = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS))
      if (!ref) timer.unref()
      return { cancel: () => clearTimeout(timer) }
    }
  }
}

/** Resolves after a while, or at once when `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.schedule(delayMs, done)
    signal.addEventListener('abort', done)
  })
}
