/** Record batches v2: header views, building, decoding, compression. No I/O, no clock. */
export * as batch from './batch.js'
export { buildBatch, RecordBatchBuilder, roomFor, type BatchOptions, type RecordInput } from './builder.js'
export { Compression, COMPRESSION_NAMES, compress, decompress, type CompressionFlaw } from './compression.js'
export { ControlType, controlKey, controlTypeOf, endTransactionBatch, readEndTransaction, type EndTransactionMarker } from './control.js'
export {
  decodeAnyRecords,
  decodeBatches,
  decodeRecords,
  decompressedRecords,
  describeBatch,
  recordsOf,
  visitRecords,
  type DecodedBatch,
  type DecodedRecord,
  type RecordHeader
} from './decode.js'
export { repackBatch, type Codec, type Repacked } from './repack.js'
export {
  CheckVerdict,
  checkHeader,
  checkSize,
  checkPlainRecords,
  checkRecords,
  isRefusal,
  type RecordError,
  type Refusal,
  type ValidationRules,
  type Verdict
} from './validate.js'
export { walkRecords, WALK_FIELDS, WalkField, WalkFlaw, type WalkRecords } from './walk.js'
