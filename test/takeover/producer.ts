/** Idempotent and transactional producers, by the protocol. Transactions as of KIP-890: each has an epoch of its own. */
import { setTimeout as delay } from 'node:timers/promises'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { RecordBatchBuilder, type RecordInput } from '../../src/record/index.js'
import { settled, type Session } from './session.js'

/** As long as Kafka allows: a transaction that is open when its broker is exchanged must not be aborted by time. */
const TIMEOUT_MS = 900_000

export class TestProducer {
  session: Session
  readonly #transactionalId: string | null
  #producerId: number
  #epoch: number
  readonly #sequences = new Map<string, number>()
  readonly #last = new Map<string, { readonly offset: number; readonly records: readonly RecordInput[] }>()

  private constructor(session: Session, transactionalId: string | null, producerId: number, epoch: number) {
    this.session = session
    this.#transactionalId = transactionalId
    this.#producerId = producerId
    this.#epoch = epoch
  }

  static async open(session: Session, transactionalId: string | null = null): Promise<TestProducer> {
    if (transactionalId !== null) await session.coordinator(transactionalId, 1)
    const answer = await settled(() =>
      session.client.request(initProducerId, 5, { transactionalId, transactionTimeoutMs: TIMEOUT_MS, producerId: -1, producerEpoch: -1 })
    )
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`no producer id: error ${answer.errorCode}`)
    return new TestProducer(session, transactionalId, answer.producerId, answer.producerEpoch)
  }

  /** Gives the offset of the first record. */
  async send(topic: string, partition: number, records: readonly RecordInput[], codec = 0): Promise<number> {
    const offset = await this.session.send(topic, partition, await this.#batch(topic, partition, records, codec), this.#transactionalId)
    this.#sequences.set(`${topic}-${partition}`, this.#sequenceOf(topic, partition) + records.length)
    this.#last.set(`${topic}-${partition}`, { offset, records })
    return offset
  }

  /** Sends its last batch again. Gives the answer as it is, and where the batch is. */
  async retry(topic: string, partition: number) {
    const { offset, records } = this.#last.get(`${topic}-${partition}`)!
    const batch = await this.#batch(topic, partition, records, 0, -records.length)
    return { offset, answer: await this.session.produce(topic, partition, batch, this.#transactionalId) }
  }

  /** Sends as if one record were missing in between. The answer as it is. */
  async skipOne(topic: string, partition: number, records: readonly RecordInput[]) {
    return this.session.produce(topic, partition, await this.#batch(topic, partition, records, 0, 1), this.#transactionalId)
  }

  /** Ends the transaction. Resolves when its markers are in all of its partitions. */
  async end(committed: boolean): Promise<void> {
    const { client } = this.session
    const transactionalId = this.#transactionalId!
    await this.session.coordinator(transactionalId, 1)
    const body = { transactionalId, producerId: this.#producerId, producerEpoch: this.#epoch, committed }
    const { errorCode, producerId, producerEpoch } = await settled(() => client.request(endTxn, 5, body))
    if (errorCode !== ErrorCode.NONE) throw new Error(`${transactionalId} was not ended: error ${errorCode}`)
    this.#producerId = producerId
    this.#epoch = producerEpoch
    this.#sequences.clear()
    for (;;) {
      const { transactionStates } = await client.request(describeTransactions, 0, { transactionalIds: [transactionalId] })
      if (transactionStates[0]!.transactionState.startsWith('Complete')) return
      await delay(2)
    }
  }

  #sequenceOf(topic: string, partition: number): number {
    return this.#sequences.get(`${topic}-${partition}`) ?? 0
  }

  #batch(topic: string, partition: number, records: readonly RecordInput[], codec: number, ahead = 0): Promise<Buffer> {
    const builder = new RecordBatchBuilder({
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      baseSequence: this.#sequenceOf(topic, partition) + ahead,
      transactional: this.#transactionalId !== null
    })
    for (const record of records) builder.append(record)
    return builder.buildCompressed(codec)
  }
}
