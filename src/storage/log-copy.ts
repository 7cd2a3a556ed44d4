/** Copying a log that is being written into another one, whole batches at a time, by native reads and appends. */
import { StorageError } from '../errors.js'
import type { Runtime } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import * as batch from '../record/batch.js'
import type { Log } from './log.js'

/** Appended at a time: what is done for each on the JavaScript thread takes some microseconds. */
const BATCHES_AT_A_TIME = 64

/**
 * Copies the next piece of `from`, of about `maxBytes`, behind the end of `to`. Returns its bytes; 0: there is nothing behind it. Rejects with a
 * StorageError: of the code EBADMSG when a batch of `from` is damaged, which no copy should spread.
 */
export async function copyPiece(runtime: Runtime, from: Log, to: Log, maxBytes: number): Promise<number> {
  const piece = await from.readFrame(to.endOffset, maxBytes)
  if (piece === undefined) return 0
  const { frame, length } = piece
  try {
    if (length === 0 || runtime.native.checkBatches(frame.id, 0, length, true) < 0)
      throw new StorageError('EBADMSG', from.folder, `${from.folder} holds a damaged batch behind offset ${to.endOffset}`)
    for (let offset = 0; offset < length;) {
      const end = endOfSome(frame.buffer, frame.start + offset, frame.start + length) - frame.start
      const { errorCode, errorMessage } = await to.append({
        frame,
        offset,
        length: end - offset,
        origin: 'replication',
        leaderEpoch: -1
      })
      if (errorCode !== ErrorCode.NONE) throw new StorageError('EAGAIN', to.folder, `${to.folder}: ${errorMessage ?? `error ${errorCode}`}`)
      offset = end
    }
    return length
  } finally {
    runtime.release(frame)
  }
}

function endOfSome(buffer: Buffer, from: number, to: number): number {
  let at = from
  for (let count = 0; count < BATCHES_AT_A_TIME && at < to; count++) at += batch.sizeInBytes(buffer, at)
  return at
}

/** The base offset of the batch that holds `offset`, or of the next one; `from`'s end when there is none. Rejects with a StorageError. */
export async function batchStart(runtime: Runtime, from: Log, offset: number): Promise<number> {
  const piece = await from.readFrame(offset, 1)
  if (piece === undefined) return from.endOffset
  const { frame } = piece
  const base = batch.baseOffset(frame.buffer, frame.start)
  runtime.release(frame)
  return base
}
