/** A transactional producer by the protocol, in either way of transactions, whose requests can be wrong on purpose. */
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { buildBatch, decodeBatches, recordsOf } from '../../src/record/index.js'
import { settled, type Session } from '../takeover/session.js'
import { fetchBody } from '../support/traffic.js'

/** Versions of Produce and EndTxn: before KIP-890, and with it. */
export const V1 = { produce: 9, end: 3, rises: false }
export const V2 = { produce: 12, end: 5, rises: true }

export class Producer {
  readonly session: Session
  readonly id: string
  readonly versions: typeof V1
  producerId = -1
  epoch = -1
  /** By partition: the next sequence number of this epoch. */
  readonly sequences = new Map<string, number>()

  constructor(session: Session, id: string, versions = V2) {
    this.session = session
    this.id = id
    this.versions = versions
  }

  /** An error code; waits out what passes. */
  async init(timeoutMs = 60_000): Promise<number> {
    await this.session.coordinator(this.id, 1)
    const body = { transactionalId: this.id, transactionTimeoutMs: timeoutMs, producerId: -1, producerEpoch: -1 }
    const answer = await settled(() => this.session.client.request(initProducerId, 5, body))
    if (answer.errorCode === ErrorCode.NONE) this.become(answer)
    return answer.errorCode
  }

  become({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }): void {
    this.producerId = producerId
    this.epoch = producerEpoch
    this.sequences.clear()
  }

  /** As clients before KIP-890 do before the first record. */
  async add(topic: string, index: number, version = 3): Promise<number> {
    const answer = await settled(async () => {
      const { resultsByTopicV3AndBelow } = await this.session.client.request(addPartitionsToTxn, version, {
        v3AndBelowTransactionalId: this.id,
        v3AndBelowProducerId: this.producerId,
        v3AndBelowProducerEpoch: this.epoch,
        v3AndBelowTopics: [{ name: topic, partitions: [index] }]
      })
      return { errorCode: resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode }
    })
    return answer.errorCode
  }

  /** One record; an error code. `adds`: first AddPartitionsToTxn, where the version asks for it. */
  async send(
    topic: string,
    index: number,
    value: string,
    { version = this.versions.produce, add = !this.versions.rises } = {}
  ): Promise<number> {
    if (add) {
      const refused = await this.add(topic, index)
      if (refused !== ErrorCode.NONE) return refused
    }
    const { errorCode } = await this.append(topic, index, value, version)
    return errorCode
  }

  /** One record in a partition that is part of the transaction, or becomes so by it. */
  async append(topic: string, index: number, value: string, version = this.versions.produce) {
    const place = `${topic}-${index}`
    const baseSequence = this.sequences.get(place) ?? 0
    const { producerId, epoch: producerEpoch } = this
    const records = buildBatch([{ value: Buffer.from(value) }], {
      timestamp: Date.now(),
      producerId,
      producerEpoch,
      baseSequence,
      transactional: true
    })
    const { errorCode, baseOffset } = await settled(async () => {
      const topicData = [{ name: topic, partitionData: [{ index, records }] }]
      const body = { transactionalId: this.id, acks: -1, timeoutMs: 10_000, topicData }
      const { responses } = await this.session.client.request(produce, version, body)
      return responses[0]!.partitionResponses[0]!
    })
    if (errorCode === ErrorCode.NONE) this.sequences.set(place, baseSequence + 1)
    return { errorCode, baseOffset }
  }

  /** The offset of partition 0 of the topic, as part of the transaction; an error code. */
  async commitOffset(groupId: string, topic: string, committedOffset: number): Promise<number> {
    const { client } = this.session
    const { producerId, epoch: producerEpoch } = this
    const identity = { transactionalId: this.id, groupId, producerId, producerEpoch }
    if (!this.versions.rises) {
      const { errorCode } = await settled(() => client.request(addOffsetsToTxn, 3, identity))
      if (errorCode !== ErrorCode.NONE) return errorCode
    }
    const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }]
    const { errorCode } = await settled(async () => {
      const { topics } = await client.request(txnOffsetCommit, this.versions.rises ? 5 : 3, {
        ...identity,
        topics: [{ name: topic, partitions }]
      })
      return topics[0]!.partitions[0]!
    })
    return errorCode
  }

  async end(committed: boolean, version = this.versions.end): Promise<number> {
    const body = { transactionalId: this.id, producerId: this.producerId, producerEpoch: this.epoch, committed }
    const answer = await settled(() => this.session.client.request(endTxn, version, body))
    if (answer.errorCode === ErrorCode.NONE && version >= 5) this.become(answer)
    return answer.errorCode
  }

  /** Waits out what passes: a coordinator that is loading, for one. */
  describe() {
    return settled(async () => {
      const { transactionStates } = await this.session.client.request(describeTransactions, 0, { transactionalIds: [this.id] })
      return transactionStates[0]!
    })
  }

  /** Resolves when the transaction is complete, to its state. */
  async completed(): Promise<string> {
    for (;;) {
      const { transactionState } = await this.describe()
      if (transactionState.startsWith('Complete')) return transactionState
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** The committed offset of partition 0, when no transaction is about to change it; -1: none. */
export async function stableOffset({ client }: Session, groupId: string, topic: string): Promise<number> {
  for (;;) {
    const body = { groupId, topics: [{ name: topic, partitionIndexes: [0] }], requireStable: true }
    const answer = await settled(() => client.request(offsetFetch, 7, body))
    const partition = answer.topics[0]?.partitions[0]
    if (partition?.errorCode === ErrorCode.NONE) return partition.committedOffset
    if (partition?.errorCode !== ErrorCode.UNSTABLE_OFFSET_COMMIT) throw new Error(`no offset of ${groupId}: error ${answer.errorCode}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What a reader of committed records sees of a partition, from its start to the last stable offset. */
export async function committed({ client }: Session, topic: string, index: number): Promise<string[]> {
  const { topics } = await settled(async () => {
    const partitions = [{ partitionIndex: index, currentLeaderEpoch: -1, timestamp: -1 }]
    const answer = await client.request(listOffsets, 7, { replicaId: -1, isolationLevel: 1, topics: [{ name: topic, partitions }] })
    return { ...answer, errorCode: answer.topics[0]!.partitions[0]!.errorCode }
  })
  const end = topics[0]!.partitions[0]!.offset
  const values: string[] = []
  const aborted = new Map<number, number[]>()
  const open = new Set<number>()
  for (let next = 0; next < end;) {
    const body = { ...fetchBody(topic, next, 1 << 20, index), isolationLevel: 1 }
    const [answer] = (await client.request(fetch, 12, body)).responses[0]!.partitions
    for (const { producerId, firstOffset } of answer!.abortedTransactions ?? []) {
      const known = aborted.get(producerId) ?? []
      if (!known.includes(firstOffset)) aborted.set(producerId, [...known, firstOffset])
    }
    const bytes = Buffer.from(answer!.records!)
    for (const batch of decodeBatches(bytes)) {
      next = batch.lastOffset + 1
      if (aborted.get(batch.producerId)?.includes(batch.baseOffset)) open.add(batch.producerId)
      if (batch.control) open.delete(batch.producerId)
      else if (!open.has(batch.producerId)) for (const { value } of recordsOf(bytes, batch)) values.push(value!.toString())
    }
  }
  return values
}
