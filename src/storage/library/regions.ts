/** Where the bytes of a log are: whole batches in the files of its segments. */
import { batch } from '../../record/index.js'
import type { Log as PartitionLog } from '../log.js'
import { refuse } from './errors.js'

/** Bytes of a segment file: whole record batches, as they go over the wire. */
export interface FileRegion {
  /** The `.log` file. It may be renamed or deleted by retention, compaction and deletion as soon as nothing of it is sent any more. */
  readonly file: string
  /** First byte. */
  readonly position: number
  /** Bytes. */
  readonly length: number
}

/**
 * Of the batches from the one that holds `offset` on, which begin below `upTo`: about `maxBytes` (Infinity: all), of as many segments as that takes. The
 * last batch may be cut; the first is whole. Rejects with a LogError or a StorageError.
 */
export async function regionsOf(log: PartitionLog, offset: number, maxBytes: number, upTo: number): Promise<FileRegion[]> {
  const regions: FileRegion[] = []
  let next = offset
  let left = Math.min(Math.ceil(maxBytes), Number.MAX_SAFE_INTEGER)
  while (left > 0 && next < upTo) {
    const reading = log.read(next, left, upTo, regions.length === 0)
    // Mostly all that is needed is in memory: then nothing is waited for.
    const { errorCode, region } = reading instanceof Promise ? await reading : reading
    refuse(errorCode, `offset ${next} of ${log.topic}-${log.partition} can not be read`)
    if (region === null) break
    const segment = log.segmentFileFrom(next, region.segment)
    // Compaction has put another in its place while the disk was waited for.
    if (segment === undefined) continue
    regions.push({ file: segment.file, position: region.position, length: region.length })
    left -= region.length
    if (region.position + region.length < segment.size) break
    next = segment.nextBaseOffset
  }
  return regions
}

/** Of whole batches: those that begin below `end`. */
export function batchesBelow(bytes: Buffer, end: number): Buffer {
  for (let at = 0; at < bytes.length; at += batch.sizeInBytes(bytes, at))
    if (batch.baseOffset(bytes, at) >= end) return bytes.subarray(0, at)
  return bytes
}
