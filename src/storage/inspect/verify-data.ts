/** Verifies a data folder with all its partitions, or the folder of a single one. Reads only; no lock is taken. */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { ConfigError } from '../../errors.js'
import { lockHolder } from '../../native/functions.js'
import { readOffsetCheckpoint } from '../checkpoints.js'
import { readMetaProperties } from '../meta-properties.js'
import {
  CLEAN_SHUTDOWN_FILE,
  isDeletedFolder,
  LOCK_FILE,
  LOG_SUFFIX,
  META_PROPERTIES_FILE,
  offsetName,
  parsePartitionFolder
} from '../names.js'
import { isSetAside } from '../set-aside.js'
import { FileFindings, type Finding } from './findings.js'
import { foreignInData, listPartition, OFFSET_FILES } from './partition-files.js'
import { verifyPartition, type PartitionSummary } from './verify-partition.js'

export interface VerifyOptions {
  /** Gaps between offsets are damage, not only noted: for folders in which nothing is compacted. */
  readonly strict?: boolean
  readonly tell: (finding: Finding) => void
  /** How far it is: bytes of logs read, of all. */
  readonly progress?: (done: number, total: number) => void
}

export interface Verification {
  readonly folder: string
  /** By folder name; of a single partition its own. */
  readonly partitions: ReadonlyMap<string, PartitionSummary>
}

export interface DataFolder {
  readonly folder: string
  /** What stands in it. */
  readonly names: readonly string[]
  /** It is the folder of one partition. */
  readonly single: boolean
  /** Their folders; of a single partition the empty name. */
  readonly partitions: readonly string[]
}

interface Partitions {
  readonly found: ReadonlyMap<string, PartitionSummary>
  /** Those that can't be read. */
  readonly unread: ReadonlySet<string>
}

/** Rejects with the error of node:fs when the folder can't be read, or something in it, which one of several partitions is told of as damage. */
export async function verifyData(folder: string, options: VerifyOptions): Promise<Verification> {
  const data = await listData(folder)
  const total = await logBytes(data.partitions.map((name) => path.join(folder, name)))
  let done = 0
  const progress = (bytes: number) => options.progress?.((done += bytes), total)
  const { strict = false, tell } = options
  const partitions = await lookThrough(data, tell, (one) => verifyPartition(one, { strict, root: folder, tell, progress }))
  return { folder, partitions }
}

/** Rejects with the error of node:fs when the folder can't be read. */
export async function listData(folder: string): Promise<DataFolder> {
  const names = (await readdir(folder)).toSorted()
  const single = isPartition(names)
  return { folder, names, single, partitions: single ? [''] : names.filter((name) => parsePartitionFolder(name) !== undefined) }
}

/**
 * Looks at each partition, and at what stands beside them. Resolves to what was found, by folder name. Rejects with the error of node:fs where a single partition
 * can't be read; of several the one is told of.
 */
export async function lookThrough(
  { folder, names, single, partitions }: DataFolder,
  tell: (finding: Finding) => void,
  look: (partition: string) => Promise<PartitionSummary>
): Promise<Map<string, PartitionSummary>> {
  const found = new Map<string, PartitionSummary>()
  const unread = new Set<string>()
  for (const name of partitions) {
    const one = path.join(folder, name)
    try {
      found.set(single ? path.basename(path.resolve(folder)) : name, await look(one))
    } catch (error) {
      if (single) throw error
      unread.add(name)
      tellUnread(new FileFindings(name, tell), one, error)
    }
  }
  if (!single) await verifyTop(folder, names, { found, unread }, tell)
  return found
}

function tellUnread(findings: FileFindings, folder: string, error: unknown): void {
  const { code, path: file = folder, message } = error as NodeJS.ErrnoException
  // Not the error of a system call: a bug.
  if (code === undefined) throw error
  if (code === 'ENOTDIR' && file === folder) findings.note('is no folder; it is left alone')
  else findings.damage(`${path.relative(folder, file) || 'it'} can not be read (${message}): what is left of it was not looked at`)
}

/** A folder in which segments stand, or nothing but what a partition has. */
function isPartition(names: readonly string[]): boolean {
  return (
    names.some((name) => name.endsWith(LOG_SUFFIX) && /^\d{20}\./.test(name)) ||
    (names.includes('partition.metadata') && !names.includes(META_PROPERTIES_FILE))
  )
}

async function logBytes(folders: readonly string[]): Promise<number> {
  let total = 0
  // What can't be read is told of where it is looked at.
  for (const folder of folders) {
    const { segments } = await listPartition(folder).catch(() => ({ segments: [] }))
    for (const base of segments)
      total += await stat(path.join(folder, offsetName(base) + LOG_SUFFIX)).then(
        ({ size }) => size,
        () => 0
      )
  }
  return total
}

async function verifyTop(
  folder: string,
  names: readonly string[],
  partitions: Partitions,
  tell: (finding: Finding) => void
): Promise<void> {
  const findings = (name: string) => new FileFindings(name, tell)
  for (const name of foreignInData(names)) findings(name).note('is not of a data folder; it is left alone')
  for (const name of names) {
    if (isDeletedFolder(name)) findings(name).note('is a deleted partition whose files are not removed yet')
    if (isSetAside(name)) findings(name).note('was set aside by a start that could not read it')
  }
  await verifyMeta(folder, names, findings(META_PROPERTIES_FILE))
  if (!names.includes(CLEAN_SHUTDOWN_FILE))
    findings(CLEAN_SHUTDOWN_FILE).note('is missing: the broker runs, or was not stopped in an orderly way')
  for (const name of OFFSET_FILES) if (names.includes(name)) await verifyOffsets(folder, name, partitions, findings(name))
}

async function verifyMeta(folder: string, names: readonly string[], findings: FileFindings): Promise<void> {
  if (names.length === 0) return findings.damage('is missing: the folder is empty')
  if (!names.includes(META_PROPERTIES_FILE)) return findings.damage('is missing: no broker takes the folder for its own')
  try {
    await readMetaProperties(folder)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    findings.damage(error.message)
  }
}

async function verifyOffsets(folder: string, name: string, { found, unread }: Partitions, findings: FileFindings): Promise<void> {
  const file = path.join(folder, name)
  try {
    for (const [partition, offset] of await readOffsetCheckpoint(file)) {
      if (unread.has(partition)) continue
      const log = found.get(partition)
      if (log === undefined) findings.note(`names ${partition}, which is not in this folder`)
      else if (offset < 0) findings.damage(`${partition}: the offset ${offset} is below 0`)
      // A log that lost its end: what was said to be on the disk is not.
      else if (offset > log.endOffset)
        findings.damage(`${partition}: the offset ${offset} lies behind the end of its log at ${log.endOffset}`)
    }
  } catch (error) {
    findings.damage((error as Error).message)
  }
  findings.end()
}

/** The process of the broker that holds the folder; -1: the kernel does not name it. undefined: none, as far as can be told. Nothing is created or locked. */
export function brokerOf(folder: string): number | undefined {
  const holder = lockHolder(path.join(folder, LOCK_FILE))
  return holder === 0 ? undefined : holder
}
