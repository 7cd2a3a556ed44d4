/** What stands in the folder of a partition, sorted by what it is. Only names are looked at. */
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import {
  CLEAN_SHUTDOWN_FILE,
  INDEX_SUFFIX,
  isDeletedFolder,
  LEADER_EPOCH_FILE,
  LOCK_FILE,
  LOG_START_FILE,
  LOG_SUFFIX,
  META_PROPERTIES_FILE,
  parsePartitionFolder,
  parseSegmentFile,
  PARTITION_METADATA_FILE,
  RECOVERY_POINT_FILE,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX
} from '../names.js'
import { isSetAside } from '../set-aside.js'

export interface PartitionFiles {
  /** Base offsets of the segments, rising. */
  readonly segments: readonly number[]
  /** Offsets of producer snapshots, rising. */
  readonly snapshots: readonly number[]
  /** All names of index files, transaction indexes included. */
  readonly indexes: ReadonlySet<string>
  /** `.deleted`, `.cleaned`, `.swap` and temporary files: of work that was interrupted or is not done. */
  readonly leftovers: readonly string[]
  /** Snapshots of the metadata log. */
  readonly checkpoints: readonly string[]
  /** None of a log's own. */
  readonly foreign: readonly string[]
  readonly epochs: boolean
  readonly metadata: boolean
}

const OWN = new Set([LEADER_EPOCH_FILE, PARTITION_METADATA_FILE, 'quorum-state'])
const TEMPORARY = /\.(tmp|part)$/
const METADATA_SNAPSHOT = /^\d{20}-\d{10}\.checkpoint(\.deleted|\.part)?$/

/** Checkpoints of offsets by partition, in a data folder. */
export const OFFSET_FILES = [RECOVERY_POINT_FILE, LOG_START_FILE, 'replication-offset-checkpoint', 'cleaner-offset-checkpoint']
/** A partition on its way to another folder, or one that is not the one in use. */
const MOVED = /^.+\.[0-9a-f]{32}-(future|stray)$/
const DATA_FILES = new Set([
  ...OFFSET_FILES,
  META_PROPERTIES_FILE,
  CLEAN_SHUTDOWN_FILE,
  LOCK_FILE,
  'bootstrap.checkpoint',
  'lost+found',
  '.sluice.sock'
])

/** The names in a data folder that no broker gives. */
export function foreignInData(names: readonly string[]): string[] {
  return names.filter(
    (name) =>
      parsePartitionFolder(name) === undefined &&
      !DATA_FILES.has(name.replace(TEMPORARY, '')) &&
      !isDeletedFolder(name) &&
      !MOVED.test(name) &&
      !isSetAside(name)
  )
}

/** Whether a log that is open uses a file of the name. */
export function isInUse(name: string): boolean {
  return parseSegmentFile(name)?.state === '' || OWN.has(name)
}

/** The names that are none of a log's own, whatever state it is in. */
export function foreignAmong(names: readonly string[]): string[] {
  return names.filter(
    (name) =>
      parseSegmentFile(name) === undefined && !OWN.has(name.replace(TEMPORARY, '')) && !METADATA_SNAPSHOT.test(name) && !isSetAside(name)
  )
}

// No broker makes folders and links there; one that leads to a file is taken for it.
async function isFile(entry: Dirent, folder: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile()
  return stat(path.join(folder, entry.name)).then(
    (one) => one.isFile(),
    () => false
  )
}

/** Rejects with the error of node:fs. */
export async function listPartition(folder: string): Promise<PartitionFiles> {
  const segments: number[] = []
  const snapshots: number[] = []
  const indexes = new Set<string>()
  const leftovers: string[] = []
  const checkpoints: string[] = []
  const foreign: string[] = []
  const found = await readdir(folder, { withFileTypes: true })
  const names: string[] = []
  for (const entry of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry
    if (!(await isFile(entry, folder))) {
      foreign.push(name)
      continue
    }
    names.push(name)
    const file = parseSegmentFile(name)
    const known = TEMPORARY.test(name) ? OWN.has(name.replace(TEMPORARY, '')) : OWN.has(name)
    if (isSetAside(name)) leftovers.push(name)
    else if (file === undefined && METADATA_SNAPSHOT.test(name)) (name.endsWith('.checkpoint') ? checkpoints : leftovers).push(name)
    else if (file === undefined) {
      if (!known) foreign.push(name)
      else if (TEMPORARY.test(name)) leftovers.push(name)
    } else if (file.state !== '') leftovers.push(name)
    else if (file.suffix === LOG_SUFFIX) segments.push(file.offset)
    else if (file.suffix === SNAPSHOT_SUFFIX) snapshots.push(file.offset)
    else if ([INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX].includes(file.suffix)) indexes.add(name)
  }
  segments.sort((a, b) => a - b)
  snapshots.sort((a, b) => a - b)
  const has = (name: string) => names.includes(name)
  return {
    segments,
    snapshots,
    indexes,
    leftovers,
    checkpoints,
    foreign,
    epochs: has(LEADER_EPOCH_FILE),
    metadata: has(PARTITION_METADATA_FILE)
  }
}
