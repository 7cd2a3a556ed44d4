/** What stands in the log directories when a broker starts: partitions, copies on their way, and what an interrupted move has left. */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { storageError } from './files.js'
import { foreignInData } from './inspect/partition-files.js'
import type { LogDir } from './log-dir.js'
import { isDeletedFolder, parseFutureFolder, parsePartitionFolder, partitionFolder, strayFolder } from './names.js'
import { holdsSegments, readTopicId, renameDurably } from './partition-folder.js'

export interface FoundPartition {
  readonly dir: LogDir
  readonly name: string
  readonly topic: string
  readonly partition: number
}

export interface FoundFolders {
  readonly partitions: FoundPartition[]
  /** A partition in several directories of which nobody says which is the one: none may be used. */
  readonly disputed: FoundPartition[]
  /** Copies; `name` is that of the folder. */
  readonly futures: FoundPartition[]
  /** Paths of folders that were deleted, and may go now. */
  readonly deleted: string[]
}

const NO_TOPIC = 'no topic'

/** The id of the directory that the metadata says a partition is in; the zero id: it does not say; undefined: it does not know the partition. */
export type AssignedDir = (topic: string, topicId: string, partition: number) => string | undefined

export interface FindOptions {
  readonly assignedDir: AssignedDir | undefined
  readonly log: Logger
  readonly failed: (dir: LogDir, error: StorageError) => void
}

/**
 * Reads the directories that are online. A move is decided when the metadata names the new directory; what was left to rename then is renamed
 * here. Never rejects: a directory that fails is told and left out.
 */
export async function findFolders(dirs: readonly LogDir[], options: FindOptions): Promise<FoundFolders> {
  const found: FoundFolders = { partitions: [], disputed: [], futures: [], deleted: [] }
  const byKey = new Map<string, FoundPartition[]>()
  const futures: FoundPartition[] = []
  await Promise.all(
    dirs.map(async (dir) => {
      const names = await namesIn(dir, options)
      tellForeign(dir, names, options)
      for (const name of names) {
        if (isDeletedFolder(name)) found.deleted.push(path.join(dir.path, name))
        const current = parsePartitionFolder(name)
        const future = current ? undefined : parseFutureFolder(name)
        if (future) futures.push({ dir, name, ...future })
        if (!current) continue
        const others = byKey.get(name)
        if (others) others.push({ dir, name, ...current })
        else byKey.set(name, [{ dir, name, ...current }])
      }
    })
  )
  for (const places of byKey.values()) {
    if (places.length === 1) found.partitions.push(places[0]!)
    else await settle(places, found, options)
  }
  for (const future of futures) {
    if (byKey.has(partitionFolder(future.topic, future.partition))) found.futures.push(future)
    else await promote(future, found, options)
  }
  return found
}

// Told of once, and never touched.
function tellForeign(dir: LogDir, names: readonly string[], { log }: FindOptions): void {
  const foreign = foreignInData(names)
  if (foreign.length === 0) return
  log.warn(`${dir.path} holds what is not of a data folder: ${foreign.slice(0, 3).join(', ')}; it is left alone`)
}

async function namesIn(dir: LogDir, { failed }: FindOptions): Promise<string[]> {
  if (!dir.online) return []
  try {
    return await readdir(dir.path)
  } catch (error) {
    failed(dir, storageError(error, dir.path))
    return []
  }
}

// The source directory failed in the moment of the swap, and works again. Or a creation that had failed half way was tried again in another directory,
// and left a folder in which nothing was ever written.
async function settle(places: readonly FoundPartition[], found: FoundFolders, { assignedDir, log }: FindOptions): Promise<void> {
  const { name } = places[0]!
  const list = places.map(({ dir }) => dir.path).join(' and ')
  const said = await rightOf(places, assignedDir)
  const right = said.length === 1 ? said : await writtenOf(places)
  if (right.length !== 1) {
    log.error(
      `Duplicate log directories for ${name} are found in both ${list}, and nothing says which one is right: remove or rename one of them`
    )
    found.disputed.push(places[0]!)
    return
  }
  found.partitions.push(right[0]!)
  for (const { dir, topic, partition } of places.filter((place) => place !== right[0])) {
    const stray = strayFolder(topic, partition, randomBytes(16).toString('hex'))
    const reason = right === said ? `the metadata says ${right[0]!.dir.path}` : `${dir.path} holds no segment of it`
    log.warn(`${name} is in ${list}; ${reason}. The other one is kept as ${path.join(dir.path, stray)}`)
    // What can't be renamed is not used all the same.
    await renameDurably(path.join(dir.path, name), path.join(dir.path, stray)).catch((error: Error) =>
      log.error(`${dir.path}: ${error.message}`)
    )
  }
}

// The move was decided, and the old folder is gone: this is the partition.
async function promote(future: FoundPartition, found: FoundFolders, { assignedDir, log, failed }: FindOptions): Promise<void> {
  const { dir, name, topic, partition } = future
  const key = partitionFolder(topic, partition)
  if (!(await isAssigned(future, assignedDir))) {
    log.warn(`${name} in ${dir.path} is a copy of a partition that is in no directory that works: left as it is`)
    return
  }
  try {
    await renameDurably(path.join(dir.path, name), path.join(dir.path, key))
  } catch (error) {
    // Of what was deleted one may be the copy that is needed now.
    found.deleted.length = 0
    return failed(dir, storageError(error, dir.path))
  }
  log.info(`${key} in ${dir.path}: the move that was under way is completed`)
  found.partitions.push({ ...future, name: key })
}

// Where the metadata says that it is. What it says may not have got so far, with a log of an earlier topic of that name, which it does not know, in a
// directory that had failed.
async function rightOf(places: readonly FoundPartition[], assignedDir: AssignedDir | undefined): Promise<FoundPartition[]> {
  const said = await Promise.all(places.map((place) => wordOf(place, assignedDir)))
  const assigned = places.filter(({ dir }, index) => said[index] === dir.directoryId)
  if (assigned.length > 0 || said.includes(NO_TOPIC)) return assigned
  return places.filter((_, index) => said[index] === ZERO_UUID)
}

/** Those that a log was ever opened in; one, where there is none. */
async function writtenOf(places: readonly FoundPartition[]): Promise<FoundPartition[]> {
  const holds = await Promise.all(places.map(({ dir, name }) => holdsSegments(path.join(dir.path, name)).catch(() => true)))
  const written = places.filter((_, index) => holds[index])
  return written.length === 0 ? places.slice(0, 1) : written
}

async function isAssigned(place: FoundPartition, assignedDir: AssignedDir | undefined): Promise<boolean> {
  return (await wordOf(place, assignedDir)) === place.dir.directoryId
}

// `NO_TOPIC`: the folder does not say of which topic it is.
async function wordOf({ dir, name, topic, partition }: FoundPartition, assignedDir: AssignedDir | undefined): Promise<string | undefined> {
  const topicId = await readTopicId(path.join(dir.path, name)).catch(() => ZERO_UUID)
  return topicId === ZERO_UUID ? NO_TOPIC : assignedDir?.(topic, topicId, partition)
}
