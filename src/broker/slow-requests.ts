/** The log of slow requests: one line for each request above `sluice.slow.request.ms`, at most so many a second. */
import type { Logger } from '../log.js'

export interface ServedRequest {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly clientAddress: string
  readonly correlationId: number
}

const AT_MOST_EVERY_MS = 100

export class SlowRequests {
  readonly #log: Logger
  readonly #thresholdMs: () => number

  constructor(log: Logger, thresholdMs: () => number) {
    this.#log = log
    this.#thresholdMs = thresholdMs
  }

  /** `tookMs`: from decoding to the answer, waiting for the disk included, waiting that was asked for excluded. */
  observe(api: string, request: ServedRequest, tookMs: number): void {
    const threshold = this.#thresholdMs()
    if (threshold < 0 || tookMs < threshold) return
    const { apiVersion, clientId, clientAddress, correlationId } = request
    this.#log
      .limited('slow-request', AT_MOST_EVERY_MS)
      .warn(
        `slow request: ${api} version ${apiVersion} of client ${clientId ?? '(none)'} at ${clientAddress} took ${Math.round(tookMs)} ms (correlation ${correlationId})`
      )
  }
}
