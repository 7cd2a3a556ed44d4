/** Producer ids one at a time, out of blocks from the controller. */
import { ErrorCode } from '../protocol/error-codes.js'
import type { ProducerIdBlock } from './controller-client.js'

export interface NextProducerId {
  readonly errorCode: number
  /** -1 on error. */
  readonly producerId: number
}

const NONE: ProducerIdBlock = { errorCode: ErrorCode.NONE, start: 0, length: 0 }

/** Ids that were not given out when the broker stops are lost, as in Kafka. */
export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #block = NONE
  #used = 0
  #asking: Promise<void> | undefined

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  async next(): Promise<NextProducerId> {
    while (this.#used >= this.#block.length) {
      await (this.#asking ??= this.#refill())
      if (this.#block.errorCode !== ErrorCode.NONE) return { errorCode: this.#block.errorCode, producerId: -1 }
    }
    return { errorCode: ErrorCode.NONE, producerId: this.#block.start + this.#used++ }
  }

  async #refill(): Promise<void> {
    try {
      this.#block = await this.#allocate()
      this.#used = 0
    } finally {
      this.#asking = undefined
    }
  }
}
