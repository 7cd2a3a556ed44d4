/** The storage engine as a library: logs in Apache Kafka's own file formats. The package entry `sluice/storage`; its guide is docs/storage.md. */
export { systemClock, type Clock, type Timer } from '../clock.js'
export type { TopicConfig } from '../config/index.js'
export { ConfigError, StorageError, WireError } from '../errors.js'
export type { ProgramLog } from '../log.js'
export {
  COMPRESSION_NAMES,
  decodeBatches,
  recordsOf,
  type BatchOptions,
  type DecodedBatch,
  type DecodedRecord,
  type RecordHeader,
  type RecordInput
} from '../record/index.js'
export { buildBatch, RecordBatchBuilder } from './library/batches.js'
export type { Appended, AppendOptions, CompressionName, Producer } from './library/appends.js'
export { LogError } from './library/errors.js'
export { LogDirectory, type LogDirectoryOptions, type LogName, type LogOptions, type Settings } from './library/log-directory.js'
export { Log, type Compacted, type SegmentInfo } from './library/log.js'
export type { Isolation, IsolationLevel, LogRecord, ReadOptions } from './library/record-reader.js'
export type { FileRegion } from './library/regions.js'
export type { AbortedTransaction, TimedOffset } from './log.js'
export { verifyFolder, type Finding, type VerifyOptions } from './verify.js'
