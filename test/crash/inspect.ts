/** Reads everything that an engine has, and looks whether its parts agree: batches, look-ups by time, leader epochs, producer states. */
import { setTimeout as delay } from 'node:timers/promises'
import { batch, decodeAnyRecords } from '../../src/record/index.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { Log } from '../../src/storage/log.js'
import { appendBatch, batchBytes, markerId, TRANSACTIONAL, type CrashEngine } from './engine.js'
import { Transactions } from './transactions.js'
import type { Truth } from './truth.js'

export interface FoundBatch {
  readonly id: string
  /** Of its first record, also where the log begins in its middle, or compaction took that away. */
  readonly base: number
  readonly count: number
  /** Which of its records are there. */
  readonly indexes: readonly number[]
}

export interface FoundLog {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Its `partition.metadata` did not survive, which a log that was just made may do. */
  readonly topicIdLost: boolean
  readonly start: number
  readonly end: number
  readonly batches: readonly FoundBatch[]
  readonly nextSequences: ReadonlyMap<number, number>
  readonly problems: readonly string[]
}

interface FoundRecord {
  readonly offset: number
  readonly timestamp: number
  readonly value: string
}

const MOVE_LIMIT_MS = 20_000

/** Waits for all logs, and for moves that go on. Rejects when one can't be opened, or moved. */
export async function inspect(engine: CrashEngine): Promise<FoundLog[]> {
  const found: FoundLog[] = []
  const begin = Date.now()
  for (const { topic, partition } of Array.from(engine.manager.partitions())) {
    // Without its id it can't move.
    if (engine.manager.moves.isMoving(topic, partition)) await engine.whenReady(topic, partition)
    while (engine.manager.moves.isMoving(topic, partition)) {
      if (Date.now() - begin > MOVE_LIMIT_MS) throw new Error(`${topic}-${partition} does not end its move`)
      await delay(2)
    }
  }
  for (const { topic, partition } of Array.from(engine.manager.partitions())) {
    const log = await engine.manager.whenReady(topic, partition)
    if (log) found.push(await inspectLog(log))
  }
  return found
}

async function inspectLog(log: Log): Promise<FoundLog> {
  const problems: string[] = []
  const batches: FoundBatch[] = []
  const transactions = new Transactions()
  /** The largest time of a batch without records. */
  let emptied = -1
  const records: FoundRecord[] = []
  for (let next = log.logStartOffset; next < log.endOffset;) {
    const bytes = await log.readBytes(next, 64 * 1024)
    if (bytes.length === 0) break
    for (let at = 0; at < bytes.length; at += batch.sizeInBytes(bytes, at)) {
      const base = batch.baseOffset(bytes, at)
      const epoch = batch.partitionLeaderEpoch(bytes, at)
      if (base >= log.logStartOffset && log.epochOf(base) !== epoch)
        problems.push(`the batch at ${base} is of epoch ${epoch}, the log says ${log.epochOf(base)}`)
      const here: FoundRecord[] = []
      for await (const record of decodeAnyRecords(bytes.subarray(at, at + batch.sizeInBytes(bytes, at)), 1024 * 1024))
        here.push({ offset: record.offset, timestamp: record.timestamp, value: (record.value ?? record.headers[0]!.value!).toString() })
      next = batch.lastOffset(bytes, at) + 1
      if (batch.isControl(bytes, at) && batch.recordCount(bytes, at) > 0) {
        batches.push({ id: markerId(batch.maxTimestamp(bytes, at)), base, count: 1, indexes: [0] })
        records.push({ offset: base, timestamp: batch.maxTimestamp(bytes, at), value: '' })
      }
      transactions.add(bytes, at)
      // Of a batch that compaction has emptied only the header is left.
      if (here.length === 0) {
        emptied = Math.max(emptied, batch.maxTimestamp(bytes, at))
        continue
      }
      const id = here[0]!.value.split(' ')[0]!
      if (here.some(({ value, offset }) => !value.startsWith(`${id} ${offset - base} `)))
        problems.push(`the batch at ${base} holds other records`)
      batches.push({ id, base, count: next - base, indexes: here.map(({ offset }) => offset - base) })
      records.push(...here.filter((record) => record.offset >= log.logStartOffset))
    }
  }
  await compareTimes(log, records, emptied, problems)
  // Where a power cut took something out of the middle, or compaction did, batches do not tell the whole.
  const first = batches[0]?.base ?? log.endOffset
  const ends = [first, ...batches.map(({ base, count }) => base + count)]
  const whole = first <= log.logStartOffset && batches.every(({ base }, index) => base === ends[index]) && ends.at(-1) === log.endOffset
  if (whole) await transactions.compare(log, first, problems)
  const nextSequences = new Map(Array.from(log.producers(), (entry) => [entry.producerId, (entry.batches.at(-1)?.lastSequence ?? -1) + 1]))
  const { topic, partition, topicId, logStartOffset: start, endOffset: end } = log
  return { topic, partition, topicId, topicIdLost: topicId === ZERO_UUID, start, end, batches, nextSequences, problems }
}

async function compareTimes(log: Log, records: readonly FoundRecord[], emptied: number, problems: string[]): Promise<void> {
  if (records.length === 0) return
  const step = Math.max(1, Math.floor(records.length / 5))
  for (let at = 0; at < records.length; at += step) {
    const { timestamp } = records[at]!
    const expected = records.find((record) => record.timestamp >= timestamp)!
    const found = await log.offsetForTimestamp(timestamp)
    if (found?.offset !== expected.offset) problems.push(`time ${timestamp} is found at ${found?.offset}, is at ${expected.offset}`)
  }
  const largest = records.reduce((most, record) => Math.max(most, record.timestamp), -1)
  const found = await log.offsetOfMaxTimestamp()
  // Of a record that was deleted nothing is found; nor of one that compaction took out of a batch that it left, empty, for the producer's sake (as in Kafka).
  const deleted = found === undefined && (log.logStartOffset > 0 || emptied > largest)
  if (!deleted && found?.timestamp !== largest) problems.push(`the largest time is ${found?.timestamp}, should be ${largest}`)
}

function plain(producerId: number): boolean {
  return producerId >= 0 && producerId !== TRANSACTIONAL
}

/** Appends to every log: a retry is known as one, a gap refused, and the next sequence taken. What it appends becomes part of the truth. */
export async function probe(engine: CrashEngine, found: readonly FoundLog[], truth: Truth, name: string): Promise<string[]> {
  const problems: string[] = []
  for (const each of found) {
    const log = await engine.manager.whenReady(each.topic, each.partition)
    if (log === undefined) continue
    const known = truth.of(each.topic, each.partition).batches
    const tell = (message: string) => problems.push(`${each.topic}-${each.partition}: ${message}`)
    const last = each.batches.findLast((one) => plain(known.get(one.id)?.producerId ?? -1))
    const sent = last && known.get(last.id)
    const producerId = sent?.producerId ?? 1001
    const append = (sequence: number, count: number) => {
      const bytes = batchBytes({ id: name, count, pad: 0, producerId, sequence, timestamp: Date.now() })
      return appendBatch(engine.runtime, log, bytes, Math.max(0, log.latestEpoch))
    }
    if (last && sent && each.nextSequences.get(producerId) === sent.sequence + last.count) {
      const again = await append(sent.sequence, last.count)
      if (again.baseOffset !== last.base) tell(`a retry of ${last.id} was answered with ${again.baseOffset} (error ${again.errorCode})`)
      const gap = await append(sent.sequence + last.count + 7, 1)
      if (gap.errorCode !== ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) tell(`a gap in the sequence was answered with ${gap.errorCode}`)
    }
    const sequence = each.nextSequences.get(producerId) ?? 0
    const next = await append(sequence, 1)
    if (next.errorCode !== 0 || next.baseOffset !== each.end)
      tell(`an append went to ${next.baseOffset} (error ${next.errorCode}), not to ${each.end}`)
    known.set(name, { count: 1, bytes: 100, producerId, sequence, base: next.baseOffset, refused: false, cut: 'no', gone: [] })
  }
  return problems
}
