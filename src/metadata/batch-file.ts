/** Walks the record batches of a file, without holding more of it than a chunk and the batch at hand. */
import { open, type FileHandle } from 'node:fs/promises'
import * as batch from '../record/batch.js'
import { describeBatch, type DecodedBatch } from '../record/decode.js'

const CHUNK_BYTES = 1024 * 1024
/** Kafka's metadata batches are at most 8 MiB; larger ones are not ours to read. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024

/** Gets one batch: `bytes` holds it at `header.position`, valid only during the call. */
export type BatchVisitor = (bytes: Buffer, header: DecodedBatch) => void

export interface Walk {
  /** Bytes of whole, valid batches. */
  readonly validBytes: number
  readonly fileBytes: number
}

/**
 * Calls `visit` for each batch, in order, up to the first that is cut off or fails its check: with `validBytes` below `fileBytes` the rest is
 * torn. What `visit` throws ends the walk.
 */
export async function walkBatches(file: string, visit: BatchVisitor): Promise<Walk> {
  const handle = await open(file, 'r')
  try {
    const fileBytes = (await handle.stat()).size
    let position = 0
    while (position < fileBytes) {
      const chunk = await readChunk(handle, position, fileBytes)
      const used = visitChunk(chunk, visit)
      if (used === 0) break
      position += used
    }
    return { validBytes: position, fileBytes }
  } finally {
    await handle.close()
  }
}

// At least one whole batch, unless the file ends inside of it.
async function readChunk(handle: FileHandle, position: number, fileBytes: number): Promise<Buffer> {
  const first = await read(handle, position, Math.min(CHUNK_BYTES, fileBytes - position))
  if (first.length < batch.LOG_OVERHEAD) return first
  const size = batch.LOG_OVERHEAD + Math.max(0, batch.batchLength(first, 0))
  if (size <= first.length || size > MAX_BATCH_BYTES || position + size > fileBytes) return first
  return read(handle, position, size)
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function visitChunk(chunk: Buffer, visit: BatchVisitor): number {
  let at = 0
  for (;;) {
    const size = batch.frameAt(chunk, at, chunk.length, true)
    if (typeof size === 'string') return at
    visit(chunk, describeBatch(chunk, at))
    at += size
  }
}
