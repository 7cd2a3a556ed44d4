/**
 * Makes other people's data folders readable without writing a byte into them: a temporary folder with links to their logs and indexes, and
 * copies of what is small. The engine works in the temporary folder as in any other; whatever it writes, renames or removes is there. Logs are
 * opened for reading only, and an index that is a link gives way to a copy before it is changed (`readOnly` of the log manager).
 */
import { access, chmod, constants, copyFile, mkdir, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ConfigError, StorageError, WireError } from '../errors.js'
import type { Logger } from '../log.js'
import { ZERO_UUID } from '../protocol/reader.js'
import {
  readEpochCheckpoint,
  readOffsetCheckpoint,
  writeOffsetCheckpoint,
  type OffsetCheckpoint,
  type PartitionOffset
} from './checkpoints.js'
import { isUnfinishedSwap } from './cleaner/swap.js'
import { makeTemporary, storageError } from './files.js'
import { brokerOf } from './inspect/verify-data.js'
import { listPartition, type PartitionFiles } from './inspect/partition-files.js'
import { randomUuid, readMetaProperties, writeMetaProperties, type MetaProperties } from './meta-properties.js'
import {
  CLEAN_SHUTDOWN_FILE,
  LEADER_EPOCH_FILE,
  LOG_START_FILE,
  LOG_SUFFIX,
  offsetName,
  parsePartitionFolder,
  parseSegmentFile,
  PARTITION_METADATA_FILE,
  RECOVERY_POINT_FILE,
  SNAPSHOT_SUFFIX,
  TXN_INDEX_SUFFIX
} from './names.js'
import { isFolder, readTopicId } from './partition-folder.js'

/** The metadata log: it is read where it stands, and not served. */
export const METADATA_FOLDER = '__cluster_metadata-0'
const DEFAULT_NODE_ID = 1
/** A topic has all partitions below its last one, and each takes memory. */
const LARGEST_PARTITION = 1_000_000
/** What an error names: see ReadOnlyOptions. */
const SETTING = 'readOnly.dirs'

export interface DescribedPartition {
  readonly topic: string
  readonly partition: number
  /** The zero id: it has none. */
  readonly topicId: string
  /** The newest leader epoch that its checkpoint names; -1: none. */
  readonly leaderEpoch: number
}

export interface Mirror {
  /** Holds a folder for each source, and is to be removed at the end. */
  readonly root: string
  readonly nodeId: number
  /** In the order of the sources. */
  readonly dirs: readonly { readonly source: string; readonly path: string }[]
  readonly partitions: readonly DescribedPartition[]
  /** The folder of the metadata log, among the sources. */
  readonly metadataFolder: string | undefined
}

/** Rejects with a ConfigError that names a source which can't be served, and with a StorageError; nothing is left behind then. */
export async function mirrorFolders(sources: readonly string[], temp: string, log: Logger): Promise<Mirror> {
  const root = await makeTemporary(temp, 'sluice-read-only-')
  try {
    const dirs: { source: string; path: string }[] = []
    const partitions: DescribedPartition[] = []
    let known: MetaProperties | undefined
    let metadataFolder: string | undefined
    for (const [at, given] of sources.entries()) {
      const source = await checked(given)
      if (dirs.some((each) => each.source === source)) throw new ConfigError(SETTING, `${given} is named twice`)
      const dir = path.join(root, String(at))
      await mkdir(dir)
      dirs.push({ source, path: dir })
      const meta = await readMetaProperties(source)
      if (meta !== undefined && known !== undefined && (meta.nodeId !== known.nodeId || meta.clusterId !== known.clusterId))
        throw new ConfigError(
          SETTING,
          `${source} is of node ${meta.nodeId} of the cluster ${meta.clusterId}, ${sources[0]} of another broker`
        )
      known ??= meta
      const names = (await readdir(source)).toSorted()
      if (names.includes(METADATA_FOLDER)) metadataFolder ??= path.join(source, METADATA_FOLDER)
      partitions.push(...(await mirrorDir(source, dir, names, log)))
    }
    const meta = known ?? { clusterId: randomUuid(), nodeId: DEFAULT_NODE_ID, directoryId: undefined }
    for (const dir of dirs)
      await writeMetaProperties(dir.path, { ...meta, directoryId: (await readMetaProperties(dir.source))?.directoryId })
    return { root, nodeId: meta.nodeId, dirs, partitions, metadataFolder }
  } catch (error) {
    await rm(root, { recursive: true, force: true })
    throw error instanceof ConfigError ? error : storageError(error, sources.join(', '))
  }
}

async function checked(given: string): Promise<string> {
  let source: string
  let names: string[]
  try {
    source = await realpath(given)
    names = await readdir(source)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(
      SETTING,
      code === 'ENOENT' ? `${given}: there is no such folder` : `${given} can not be read: ${(error as Error).message}`
    )
  }
  if (!names.some((name) => parsePartitionFolder(name) !== undefined))
    throw new ConfigError(SETTING, `${given} is no data folder: it holds no folder of a partition, like orders-0`)
  const pid = brokerOf(source)
  if (pid !== undefined)
    throw new ConfigError(
      SETTING,
      `${given} is in use by a broker${pid > 0 ? ` (pid ${pid})` : ''}: serve a copy of it, or stop the broker`
    )
  return source
}

async function mirrorDir(source: string, dir: string, names: readonly string[], log: Logger): Promise<DescribedPartition[]> {
  const clean = names.includes(CLEAN_SHUTDOWN_FILE)
  const recoveryPoints = await offsetsOf(path.join(source, RECOVERY_POINT_FILE), log)
  const logStarts = await offsetsOf(path.join(source, LOG_START_FILE), log)
  const partitions: DescribedPartition[] = []
  const points: PartitionOffset[] = []
  const starts: PartitionOffset[] = []
  for (const name of names) {
    const parsed = name === METADATA_FOLDER ? undefined : parsePartitionFolder(name)
    if (parsed === undefined) continue
    if (parsed.partition > LARGEST_PARTITION)
      throw new ConfigError(SETTING, `${path.join(source, name)}: no topic of ours has a partition of so high a number`)
    const from = path.join(source, name)
    if (!(await isFolder(from))) {
      log.warn(`${from} has the name of a partition and is no folder: it is left alone`)
      continue
    }
    const files = await listPartition(from)
    const point = recoveryPoints.get(name)
    if (point !== undefined) points.push({ ...parsed, offset: point })
    const start = logStarts.get(name)
    if (start !== undefined) starts.push({ ...parsed, offset: start })
    const described = await describePartition(from, log)
    await mirrorPartition(from, path.join(dir, name), { ...files, metadata: files.metadata && described.topicId !== ZERO_UUID }, log)
    partitions.push({ ...parsed, ...described })
  }
  await writeOffsetCheckpoint(path.join(dir, RECOVERY_POINT_FILE), points)
  await writeOffsetCheckpoint(path.join(dir, LOG_START_FILE), starts)
  if (clean) await writeFile(path.join(dir, CLEAN_SHUTDOWN_FILE), '')
  return partitions
}

async function mirrorPartition(from: string, to: string, files: PartitionFiles, log: Logger): Promise<void> {
  await mkdir(to)
  const segments = files.segments.map((base) => offsetName(base) + LOG_SUFFIX)
  // What a compaction had not put in place yet may be the only copy there is: the engine ends it, among the links.
  for (const name of [...segments, ...files.indexes, ...files.leftovers.filter(isUnfinishedSwap)]) {
    if (parseSegmentFile(name)?.suffix === TXN_INDEX_SUFFIX) await copy(from, to, name)
    else await link(path.join(from, name), path.join(to, name), log)
  }
  // The engine refuses the log that has them.
  for (const name of files.foreign) if (parseSegmentFile(name)?.state === '') await symlink(path.join(from, name), path.join(to, name))
  for (const offset of files.snapshots) await copy(from, to, offsetName(offset) + SNAPSHOT_SUFFIX)
  if (files.epochs) await copy(from, to, LEADER_EPOCH_FILE)
  if (files.metadata) await copy(from, to, PARTITION_METADATA_FILE)
}

// What the engine says of a file that it can't open names the link.
async function link(file: string, to: string, log: Logger): Promise<void> {
  await symlink(file, to)
  try {
    await access(file, constants.R_OK)
  } catch (error) {
    log.error(`${(error as Error).message}: its partition can not be served`)
  }
}

async function copy(from: string, to: string, name: string): Promise<void> {
  await copyFile(path.join(from, name), path.join(to, name))
  await chmod(path.join(to, name), 0o644)
}

// A checkpoint that can't be read costs time, never data.
async function offsetsOf(file: string, log: Logger): Promise<OffsetCheckpoint> {
  try {
    return await readOffsetCheckpoint(file)
  } catch (error) {
    if (!(error instanceof WireError || error instanceof StorageError)) throw error
    log.warn(`${error.message}; the file is not used`)
    return new Map()
  }
}

/** What the folder of a partition says of itself; what can't be read is told. Rejects with the error of node:fs. */
export async function describePartition(folder: string, log: Logger): Promise<Pick<DescribedPartition, 'topicId' | 'leaderEpoch'>> {
  return { topicId: await topicIdOf(folder, log), leaderEpoch: await latestEpoch(folder, log) }
}

// Without one, metadata or this start give an id.
async function topicIdOf(folder: string, log: Logger): Promise<string> {
  try {
    return await readTopicId(folder)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    log.warn(`${error.message}; the file is not used`)
    return ZERO_UUID
  }
}

async function latestEpoch(folder: string, log: Logger): Promise<number> {
  try {
    return (await readEpochCheckpoint(path.join(folder, LEADER_EPOCH_FILE))).at(-1)?.epoch ?? -1
  } catch (error) {
    if (!(error instanceof WireError || error instanceof StorageError)) throw error
    log.warn(`${error.message}; the file is not used`)
    return -1
  }
}
