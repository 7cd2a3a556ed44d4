/**
 * The folder of the metadata log, read: the newest whole snapshot, then the log behind it. Nothing is changed here, so that it can be read
 * before the data folder is locked and its logs are recovered.
 */
import { access, readdir } from 'node:fs/promises'
import path from 'node:path'
import { StorageError, WireError } from '../errors.js'
import { walkBatches } from './batch-file.js'
import { LATEST_METADATA_VERSION } from './features.js'
import { MetadataImage } from './image.js'
import { readQuorumEpoch } from './quorum-state.js'
import { Replayer } from './replayer.js'
import { listSnapshots, replaySnapshot, type SnapshotFile } from './snapshot-file.js'

export interface LoadedMetadata {
  readonly replayer: Replayer
  /** The newest snapshot that was whole; undefined: none. */
  readonly snapshot: SnapshotFile | undefined
  /** The offset after the last record. */
  readonly endOffset: number
  /** The highest epoch that was ever led; 0: none. */
  readonly lastEpoch: number
  readonly lastTimestamp: number
  /** Bytes of the log behind the snapshot: what a next start would read without a newer one. */
  readonly tailBytes: number
}

const SEGMENT = /^(\d{20})\.log$/

/** Throws StorageError when it can't be read, WireError (its message names the file) when what it holds does not add up. */
export async function loadMetadata(folder: string): Promise<LoadedMetadata> {
  const names = await list(folder)
  let replayer = new Replayer(new MetadataImage())
  let snapshot: SnapshotFile | undefined
  let lastTimestamp = -1
  for (const candidate of listSnapshots(folder, names)) {
    const timestamp = await naming(candidate.path, () => replaySnapshot(candidate, replayer))
    if (timestamp !== undefined) {
      snapshot = candidate
      lastTimestamp = timestamp
      break
    }
    replayer = new Replayer(new MetadataImage())
  }
  const tail = { endOffset: snapshot?.endOffset ?? 0, epoch: snapshot?.epoch ?? 0, lastTimestamp, bytes: 0 }
  const bases = names
    .map((name) => SEGMENT.exec(name)?.[1])
    .filter((base) => base !== undefined)
    .sort()
  for (const [at, base] of bases.entries()) {
    const next = bases[at + 1]
    // All of its records are in the snapshot.
    if (snapshot && next !== undefined && Number(next) <= snapshot.endOffset) continue
    await replaySegment(path.join(folder, `${base}.log`), replayer, tail, next === undefined)
  }
  const { metadataVersion } = replayer.image.features
  if (metadataVersion > LATEST_METADATA_VERSION) {
    throw new WireError(`${folder} has metadata.version ${metadataVersion}; this broker knows versions up to ${LATEST_METADATA_VERSION}`)
  }
  const quorumEpoch = await readQuorumEpoch(folder)
  return {
    replayer,
    snapshot,
    endOffset: tail.endOffset,
    lastEpoch: Math.max(tail.epoch, quorumEpoch),
    lastTimestamp: tail.lastTimestamp,
    tailBytes: tail.bytes
  }
}

interface Tail {
  endOffset: number
  epoch: number
  lastTimestamp: number
  bytes: number
}

async function replaySegment(file: string, replayer: Replayer, tail: Tail, last: boolean): Promise<void> {
  const { validBytes, fileBytes } = await naming(file, () =>
    walkBatches(file, (bytes, header) => {
      if (header.lastOffset < tail.endOffset) return
      if (header.baseOffset > tail.endOffset) {
        throw new WireError(`records ${tail.endOffset} to ${header.baseOffset - 1} are missing`)
      }
      replayer.batch(bytes, header, tail.endOffset)
      tail.endOffset = header.lastOffset + 1
      tail.epoch = Math.max(tail.epoch, header.partitionLeaderEpoch)
      tail.lastTimestamp = header.maxTimestamp
      tail.bytes += header.sizeInBytes
    })
  )
  // A torn end is what a crash leaves; in front of another segment it is damage.
  if (!last && validBytes < fileBytes) throw new WireError(`${file} is damaged at byte ${validBytes}`)
}

async function naming<T>(file: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof WireError) throw new WireError(`${file} is damaged: ${error.message}`)
    throw asStorageError(error, file)
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    // Rather the folder that was given, if that is none.
    if (code === 'ENOTDIR') await list(path.dirname(folder))
    throw asStorageError(error, folder)
  }
}

function asStorageError(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? new StorageError(code, file) : error
}

/** The records that a node formatted by Kafka's own tool, and never started, is to begin with; undefined: there are none. */
export async function loadBootstrap(dataFolder: string): Promise<MetadataImage | undefined> {
  const file = path.join(dataFolder, 'bootstrap.checkpoint')
  const replayer = new Replayer(new MetadataImage())
  try {
    await access(file)
  } catch {
    return undefined
  }
  const whole = await naming(file, () => replaySnapshot({ path: file, endOffset: 0, epoch: 0 }, replayer))
  return whole === undefined || replayer.image.features.metadataVersion === 0 ? undefined : replayer.image
}
