/** What a program hands in, which may be plain JavaScript: a wrong value is refused by a TypeError or a RangeError that names it. */
import type { Writable } from 'node:stream'
import type { Clock } from '../../clock.js'
import { ConfigError } from '../../errors.js'
import { COMPRESSION_NAMES, type BatchOptions, type RecordInput } from '../../record/index.js'
import { topicNameProblem } from '../../protocol/topic-name.js'
import { METADATA_FOLDER } from '../mirror.js'
import { parsePartitionFolder, partitionFolder } from '../names.js'
import type { VerifyOptions } from '../verify.js'
import type { AppendOptions, CompressionName, Producer } from './appends.js'
import { LogError } from './errors.js'
import type { LogDirectoryOptions, LogOptions } from './log-directory.js'
import type { Isolation, IsolationLevel, LogRecord, ReadOptions } from './record-reader.js'
import type { FileRegion } from './regions.js'

const MAX_INT16 = 0x7fff
const MAX_INT32 = 0x7fffffff

/** What has names: not a text, a number, or bytes that were to be something else. */
function checkObject(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Symbol.iterator in value) throw new TypeError(`${what} an object, not ${shown(value)}`)
}

/** Those that there are, so that the compiler misses none. */
type Names<T> = Readonly<Record<keyof T, true>>

/** Also against names that are misspelt: with `readonly` for `readOnly` a folder would be written to. */
export function checkOptions<T extends object>(options: T, names: Names<T>): void {
  checkObject('the options are', options)
  for (const name in options)
    if (!Object.hasOwn(names, name)) throw new TypeError(`there is no option '${name}', only ${Object.keys(names).join(', ')}`)
}

export const OPEN_OPTIONS: Names<LogDirectoryOptions> = { settings: true, log: true, clock: true, readOnly: true }
export const LOG_OPTIONS: Names<LogOptions> = { partition: true, settings: true, create: true }
export const READ_OPTIONS: Names<ReadOptions> = { from: true, to: true, follow: true, maxBytes: true, isolation: true }
export const ISOLATION: Names<Isolation> = { isolation: true }
export const VERIFY_OPTIONS: Names<VerifyOptions> = { gaps: true }
const APPEND_OPTIONS: Names<AppendOptions> = { compression: true, producer: true }
const BATCH_OPTIONS: Names<BatchOptions> = {
  baseOffset: true,
  partitionLeaderEpoch: true,
  timestamp: true,
  producerId: true,
  producerEpoch: true,
  baseSequence: true,
  transactional: true,
  control: true,
  logAppendTime: true,
  lastOffsetDelta: true
}

export function checkFlag(what: string, flag: boolean): void {
  if (typeof flag !== 'boolean') throw new TypeError(`${what} is true or false, not ${shown(flag)}`)
}

export function checkClock(clock: Clock): void {
  for (const name of ['now', 'monotonic', 'schedule'] as const)
    if (typeof (clock as Partial<Clock> | null)?.[name] !== 'function') throw new TypeError(`clock lacks the function ${name}`)
}

export function checkRecords(records: readonly RecordInput[]): void {
  if (records.length === 0) throw new RangeError('a batch holds at least one record')
  for (const record of records) checkRecord(record)
}

export function checkRecord(record: RecordInput): void {
  checkObject('a record is', record)
  const { key, value, headers, timestamp } = record
  checkBytes('key', key)
  checkBytes('value', value)
  if (value === undefined) checkValueless(record)
  // As Apache Kafka's producer.
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= 0))
    throw new RangeError(`the timestamp of a record is a whole number of milliseconds, not ${shown(timestamp)}`)
  if (headers === undefined) return
  if (!Array.isArray(headers)) throw new TypeError(`the headers of a record are a list, not ${shown(headers)}`)
  for (const header of headers as NonNullable<RecordInput['headers']>) {
    if (typeof header?.key !== 'string') throw new TypeError(`the key of a header is a string, not ${shown(header?.key)}`)
    checkBytes('value of a header', header.value)
  }
}

const RECORD_NAMES: Names<LogRecord & RecordInput> & { readonly sequence: true } = {
  key: true,
  value: true,
  headers: true,
  timestamp: true,
  // Of one that was read.
  offset: true,
  sequence: true
}

/** A value under a misspelt name would be none, which deletes the key in a compacted log. What has a value may have more properties: a program's own record. */
function checkValueless(record: RecordInput): void {
  for (const name in record)
    if (!Object.hasOwn(RECORD_NAMES, name))
      throw new TypeError(`a record without a value has a property '${name}': it is to have key, value, headers, timestamp`)
}

function checkBytes(what: string, bytes: Uint8Array | null | undefined): void {
  if (bytes !== undefined && bytes !== null && !(bytes instanceof Uint8Array))
    throw new TypeError(`the ${what} is a Buffer or Uint8Array, or null, not ${shown(bytes)}`)
}

/** Of what a batch is built of. */
export function checkSize({ count, sizeInBytes }: { readonly count: number; readonly sizeInBytes: number }): void {
  if (count === 0) throw new RangeError('a batch holds at least one record')
  if (sizeInBytes > MAX_INT32) throw new RangeError(`a batch has at most ${MAX_INT32} bytes, not ${sizeInBytes}`)
}

export function checkOffsetDelta(offsetDelta: number, last: number): void {
  checkWhole('the offset of a record in its batch', offsetDelta, MAX_INT32, last + 1)
}

/** By name or number. */
export function compressionType(compression: number | CompressionName): number {
  const type = typeof compression === 'number' ? compression : COMPRESSION_NAMES.indexOf(compression)
  if (COMPRESSION_NAMES[type] === undefined)
    throw new RangeError(`compression is one of ${COMPRESSION_NAMES.join(', ')}, not ${shown(compression)}`)
  return type
}

export function checkAppend(options: AppendOptions): void {
  checkOptions(options, APPEND_OPTIONS)
  const { compression, producer } = options
  if (compression !== undefined && !COMPRESSION_NAMES.includes(compression))
    throw new RangeError(`compression is one of ${COMPRESSION_NAMES.join(', ')}, not ${shown(compression)}`)
  if (producer === undefined) return
  checkProducer(producer)
  checkWhole('the sequence of a producer', producer.sequence, MAX_INT32)
  if (producer.transactional !== undefined) checkFlag('transactional', producer.transactional)
}

export function checkProducer(producer: Producer): void {
  checkObject('a producer is', producer)
  checkWhole('the id of a producer', producer.id, Number.MAX_SAFE_INTEGER)
  checkWhole('the epoch of a producer', producer.epoch, MAX_INT16)
}

/** Of a batch that a program builds. -1: none. */
export function checkBatch(options: BatchOptions): void {
  checkOptions(options, BATCH_OPTIONS)
  const bounds = [
    ['baseOffset', 0, Number.MAX_SAFE_INTEGER],
    ['partitionLeaderEpoch', -1, MAX_INT32],
    ['timestamp', -1, Number.MAX_SAFE_INTEGER],
    ['producerId', -1, Number.MAX_SAFE_INTEGER],
    ['producerEpoch', -1, MAX_INT16],
    ['baseSequence', -1, MAX_INT32],
    ['logAppendTime', -1, Number.MAX_SAFE_INTEGER],
    ['lastOffsetDelta', 0, MAX_INT32]
  ] as const
  for (const [name, least, most] of bounds) if (options[name] !== undefined) checkWhole(name, options[name], most, least)
  for (const name of ['transactional', 'control'] as const) if (options[name] !== undefined) checkFlag(name, options[name])
}

export function checkOutcome(outcome: 'commit' | 'abort'): void {
  if (!['commit', 'abort'].includes(outcome)) throw new RangeError(`a transaction ends with 'commit' or 'abort', not ${shown(outcome)}`)
}

/** Of a record: whether the log has it is not asked. */
export function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset)) throw new RangeError(`${shown(offset)} is no offset`)
}

/** Where reading ends: any number, Infinity as well. */
export function checkEnd(to: number): void {
  if (typeof to !== 'number' || Number.isNaN(to)) throw new RangeError(`${shown(to)} is no offset to end at`)
}

export function checkTimestamp(timestamp: number): void {
  if (!Number.isSafeInteger(timestamp)) throw new RangeError(`${shown(timestamp)} is no time in milliseconds`)
}

export function checkMaxBytes(maxBytes: number): void {
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) throw new RangeError(`maxBytes is a number of bytes, not ${shown(maxBytes)}`)
}

export function checkIsolation(isolation: IsolationLevel | undefined): void {
  if (isolation !== undefined && !['read_committed', 'read_uncommitted'].includes(isolation))
    throw new RangeError(`isolation is read_committed or read_uncommitted, not ${shown(isolation)}`)
}

/** A stream of another library, too. */
export function checkWritableStream(to: Writable): void {
  if (typeof to?.write !== 'function' || typeof to.on !== 'function')
    throw new TypeError(`what a region is sent to is a stream, not ${shown(to)}`)
}

export function checkRegion(region: FileRegion): void {
  checkObject('a region is', region)
  const { position, length } = region
  if (!(Number.isSafeInteger(position) && Number.isSafeInteger(length) && position >= 0 && length >= 0))
    throw new RangeError(`${shown(position)} and ${shown(length)} are no position and length of bytes`)
}

export function checkSignal(follow: AbortSignal | undefined): void {
  if (follow !== undefined && !(follow instanceof AbortSignal)) throw new TypeError(`follow is an AbortSignal, not ${shown(follow)}`)
}

/** Of a folder. An empty one would be the current folder. */
export function checkPath(path: string): void {
  if (typeof path !== 'string') throw new TypeError(`the path of a folder is a string, not ${shown(path)}`)
  if (path === '' || path.includes('\0')) throw new RangeError(`${JSON.stringify(path)} is not the path of a folder`)
}

/** As Apache Kafka names topics. Throws a LogError. */
export function checkName(topic: string, partition: number): void {
  const isName = typeof topic === 'string' && topicNameProblem(topic) === undefined
  if (!isName || parsePartitionFolder(partitionFolder(topic, 0))?.topic !== topic)
    throw new LogError('INVALID_TOPIC_EXCEPTION', `${shown(topic)} can not be the name of a topic`)
  if (!Number.isInteger(partition) || partition < 0 || partition > MAX_INT32)
    throw new LogError('INVALID_PARTITIONS', `${shown(partition)} is not the number of a partition`)
}

/** A log that is to be made. What a broker keeps there is no program's to begin. Throws a LogError. */
export function checkNewName(topic: string, partition: number): void {
  if (partitionFolder(topic, partition) === METADATA_FOLDER)
    throw new LogError('INVALID_TOPIC_EXCEPTION', `${topic} is the log in which a broker keeps its metadata`)
}

/** Texts by names. Throws a ConfigError. */
export function checkTexts(settings: Readonly<Record<string, string>>): void {
  checkObject('settings are', settings)
  for (const [name, value] of Object.entries(settings))
    if (typeof value !== 'string') throw new ConfigError(name, `The value of ${name} is to be a text, not ${shown(value)}`)
}

function checkWhole(what: string, value: number, most: number, least = 0): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${what} is a whole number from ${least} to ${most}, not ${shown(value)}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 50 ? `${value.slice(0, 50)}…` : value}'`
  if (typeof value !== 'object' || value === null) return String(value)
  const name = value.constructor?.name || 'object'
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`
}
