/** What stands beside the segments, as events: aborted transactions, producer states, checkpoints, properties. */
import { WireError } from '../../errors.js'
import { batch } from '../../record/index.js'
import { readEpochCheckpoint, readOffsetCheckpoint } from '../checkpoints.js'
import { readFile } from '../files.js'
import { LEADER_EPOCH_FILE, LOG_START_FILE, META_PROPERTIES_FILE, PARTITION_METADATA_FILE, RECOVERY_POINT_FILE } from '../names.js'
import { firstSequence } from '../producer-state.js'
import { decodeSnapshot } from '../producer-snapshot.js'
import type { DumpEvent } from './dump-events.js'

export const ABORTED_TXN_BYTES = 34
const ABORTED_TXN_VERSION = 0

export interface AbortedTransaction {
  readonly version: number
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

/** The whole entries of a transaction index. */
export function* abortedTransactions(bytes: Buffer): Generator<AbortedTransaction> {
  for (let at = 0; at + ABORTED_TXN_BYTES <= bytes.length; at += ABORTED_TXN_BYTES) {
    yield {
      version: bytes.readInt16BE(at),
      producerId: batch.readInt64(bytes, at + 2),
      firstOffset: batch.readInt64(bytes, at + 10),
      lastOffset: batch.readInt64(bytes, at + 18),
      lastStableOffset: batch.readInt64(bytes, at + 26)
    }
  }
}

export async function* dumpTransactionIndex(file: string): AsyncGenerator<DumpEvent> {
  const bytes = await readFile(file)
  for (const aborted of abortedTransactions(bytes)) {
    if (aborted.version > ABORTED_TXN_VERSION)
      throw new WireError(`${file} holds an aborted transaction of version ${aborted.version}; up to ${ABORTED_TXN_VERSION} is known`)
    yield { type: 'aborted-transaction', ...aborted }
  }
  if (bytes.length % ABORTED_TXN_BYTES !== 0)
    throw new WireError(`${file} ends inside an entry: ${bytes.length} bytes are no multiple of ${ABORTED_TXN_BYTES}`)
}

/** Throws a WireError when the snapshot is not whole. */
export async function* dumpProducerSnapshot(file: string): AsyncGenerator<DumpEvent> {
  for (const entry of decodeSnapshot(await readFile(file))) {
    const last = entry.batches.at(-1)
    yield {
      type: 'producer',
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: entry.currentTxnFirstOffset,
      lastTimestamp: entry.lastTimestamp,
      lastBatch: last && {
        firstSequence: firstSequence(last),
        lastSequence: last.lastSequence,
        lastOffset: last.lastOffset,
        offsetDelta: last.offsetDelta,
        timestamp: last.timestamp
      }
    }
  }
}

type FileDump = (file: string) => AsyncGenerator<DumpEvent>

/** Files that are known by their whole name. Kafka's tool ignores them. */
export const NAMED_FILES: ReadonlyMap<string, FileDump> = new Map([
  [LEADER_EPOCH_FILE, dumpEpochs],
  [RECOVERY_POINT_FILE, dumpOffsets],
  [LOG_START_FILE, dumpOffsets],
  ['replication-offset-checkpoint', dumpOffsets],
  ['cleaner-offset-checkpoint', dumpOffsets],
  [PARTITION_METADATA_FILE, dumpProperties],
  [META_PROPERTIES_FILE, dumpProperties]
])

async function* dumpEpochs(file: string): AsyncGenerator<DumpEvent> {
  for (const { epoch, startOffset } of await readEpochCheckpoint(file)) yield { type: 'entry', values: { epoch, startOffset } }
}

async function* dumpOffsets(file: string): AsyncGenerator<DumpEvent> {
  for (const [folder, offset] of await readOffsetCheckpoint(file)) {
    const dash = folder.lastIndexOf('-')
    yield { type: 'entry', values: { topic: folder.slice(0, dash), partition: Number(folder.slice(dash + 1)), offset } }
  }
}

async function* dumpProperties(file: string): AsyncGenerator<DumpEvent> {
  for (const line of (await readFile(file)).toString().split('\n')) {
    const match = /^\s*([^#=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line)
    if (match) yield { type: 'entry', values: { [match[1]!]: match[2]! } }
  }
}
