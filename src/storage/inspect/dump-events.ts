/** What a dump finds in a file, one event a line, and the lines that Apache Kafka's kafka-dump-log.sh prints of the same. */

export interface BatchEvent {
  readonly type: 'batch'
  readonly baseOffset: number
  readonly lastOffset: number
  /** Null: of a message format before v2, which tells less. */
  readonly v2: {
    readonly count: number
    readonly baseSequence: number
    readonly lastSequence: number
    readonly producerId: number
    readonly producerEpoch: number
    readonly partitionLeaderEpoch: number
    readonly isTransactional: boolean
    readonly isControl: boolean
    readonly deleteHorizonMs: number | null
  } | null
  readonly position: number
  readonly timestampType: TimestampType
  readonly maxTimestamp: number
  readonly size: number
  readonly magic: number
  readonly compression: string
  readonly crc: number
  readonly isValid: boolean
}

export type TimestampType = 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'

export interface RecordEvent {
  readonly type: 'record'
  /** Undefined: left out by `--skip-record-metadata`. */
  readonly metadata:
    | {
        readonly offset: number
        readonly timestampType: TimestampType
        readonly timestamp: number
        readonly keySize: number
        readonly valueSize: number
        readonly sequence: number
        readonly headerKeys: readonly string[]
        /** Of a control record, as text: ` endTxnMarker: COMMIT coordinatorEpoch: 0`; else ''. */
        readonly control: string
      }
    | undefined
  readonly key: string | undefined
  readonly payload: string | undefined
}

export type DumpEvent =
  | { readonly type: 'file'; readonly file: string }
  | { readonly type: 'log-start'; readonly offset: number }
  | { readonly type: 'snapshot'; readonly endOffset: number; readonly epoch: number }
  | { readonly type: 'bootstrap-snapshot' }
  | BatchEvent
  | RecordEvent
  | { readonly type: 'trailing-bytes'; readonly bytes: number; readonly file: string }
  | { readonly type: 'empty'; readonly file: string }
  | { readonly type: 'sane'; readonly file: string }
  | { readonly type: 'index-entry'; readonly offset: number; readonly position: number }
  | { readonly type: 'time-index-entry'; readonly timestamp: number; readonly offset: number }
  | {
      readonly type: 'aborted-transaction'
      readonly version: number
      readonly producerId: number
      readonly firstOffset: number
      readonly lastOffset: number
      readonly lastStableOffset: number
    }
  | ProducerEvent
  /** Of a checkpoint, or of a file of properties: Kafka's tool passes them over. */
  | { readonly type: 'entry'; readonly values: Readonly<Record<string, string | number>> }

export interface ProducerEvent {
  readonly type: 'producer'
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** -1: none. */
  readonly currentTxnFirstOffset: number
  readonly lastTimestamp: number
  readonly lastBatch:
    | {
        readonly firstSequence: number
        readonly lastSequence: number
        readonly lastOffset: number
        readonly offsetDelta: number
        readonly timestamp: number
      }
    | undefined
}

/** The line of Kafka's tool, without its end. */
export function textOf(event: DumpEvent): string {
  switch (event.type) {
    case 'file':
      return `Dumping ${event.file}`
    case 'log-start':
      return `Log starting offset: ${event.offset}`
    case 'snapshot':
      return `Snapshot end offset: ${event.endOffset}, epoch: ${event.epoch}`
    case 'bootstrap-snapshot':
      return 'KRaft bootstrap snapshot'
    case 'batch':
      return batchText(event)
    case 'record':
      return recordText(event)
    case 'trailing-bytes':
      return `Found ${event.bytes} invalid bytes at the end of ${event.file}`
    case 'empty':
      return `${event.file} is empty.`
    case 'sane':
      return `${event.file} passed sanity check.`
    case 'index-entry':
      return `offset: ${event.offset} position: ${event.position}`
    case 'time-index-entry':
      return `timestamp: ${event.timestamp} offset: ${event.offset}`
    case 'producer':
      return producerText(event)
    case 'aborted-transaction':
      return pairs({
        version: event.version,
        producerId: event.producerId,
        firstOffset: event.firstOffset,
        lastOffset: event.lastOffset,
        lastStableOffset: event.lastStableOffset
      })
    case 'entry':
      return pairs(event.values)
  }
}

function batchText(event: BatchEvent): string {
  const { v2, timestampType, maxTimestamp, position, size, magic, compression, crc, isValid } = event
  let text = `offset: ${event.lastOffset}`
  if (v2 !== null) {
    const { deleteHorizonMs, ...fields } = v2
    text = `${pairs({ baseOffset: event.baseOffset, lastOffset: event.lastOffset, ...fields })} deleteHorizonMs: ${optionalLong(deleteHorizonMs)}`
  }
  const rest = { size, magic, compresscodec: compression, crc, isvalid: isValid }
  return `${text} position: ${position} ${timestampType}: ${maxTimestamp} ${pairs(rest)}`
}

function recordText({ metadata, key, payload }: RecordEvent): string {
  let text = ''
  let prefix = '| '
  if (metadata !== undefined) {
    const { offset, timestampType, timestamp, keySize, valueSize, sequence, headerKeys, control } = metadata
    text = `| offset: ${offset} ${timestampType}: ${timestamp} ${pairs({ keySize, valueSize, sequence })} headerKeys: [${headerKeys.join(',')}]${control}`
    prefix = ' '
  }
  if (key !== undefined) {
    text += `${prefix}key: ${key}`
    prefix = ' '
  }
  return payload === undefined ? text : `${text}${prefix}payload: ${payload}`
}

function producerText(event: ProducerEvent): string {
  const { producerId, producerEpoch, coordinatorEpoch, currentTxnFirstOffset, lastTimestamp, lastBatch } = event
  const open = optionalLong(currentTxnFirstOffset < 0 ? null : currentTxnFirstOffset)
  const text = pairs({ producerId, producerEpoch, coordinatorEpoch, currentTxnFirstOffset: open, lastTimestamp })
  return lastBatch === undefined ? text : `${text} ${pairs({ ...lastBatch })}`
}

function pairs(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}: ${value}`)
    .join(' ')
}

// As Java prints it.
function optionalLong(value: number | null): string {
  return value === null ? 'OptionalLong.empty' : `OptionalLong[${value}]`
}
