/** The storage engine: logs in Apache Kafka's own file formats. The package entry `sluice/storage`. */
export { loadBrokerConfig, resolveTopicConfig, type BrokerConfig, type TopicConfig } from '../config/index.js'
export { systemClock, type Clock, type Timer } from '../clock.js'
export { ConfigError, StorageError, WireError } from '../errors.js'
export { Runtime, type Frame } from '../native/runtime.js'
export { ErrorCode } from '../protocol/error-codes.js'
export {
  buildBatch,
  Compression,
  decodeAnyRecords,
  decodeBatches,
  decodeRecords,
  RecordBatchBuilder,
  recordsOf,
  type BatchOptions,
  type DecodedBatch,
  type DecodedRecord,
  type RecordInput
} from '../record/index.js'
export {
  Log,
  type AppendInput,
  type AppendOrigin,
  type AppendResult,
  type ProducerEntry,
  type ReadResult,
  type TimedOffset
} from './log.js'
export { LogManager, type LogDirDescription, type LogManagerOptions } from './log-manager.js'
export { verifyFolder, type Finding } from './verify.js'
