/** The folder of a partition: what stands in it besides segments, and taking it away. */
import { mkdir, readdir, rename, rmdir, stat } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { StorageError } from '../errors.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { readIfThere, removeFile, storageError, syncFolder, writeDurably } from './files.js'
import { deletedFolder, LEADER_EPOCH_FILE, parsePartitionFolder, parseSegmentFile, PARTITION_METADATA_FILE } from './names.js'
import { isSetAside } from './set-aside.js'

const OWN_FILES = new Set([LEADER_EPOCH_FILE, `${LEADER_EPOCH_FILE}.tmp`, PARTITION_METADATA_FILE, `${PARTITION_METADATA_FILE}.tmp`])

/** The topic id in `partition.metadata`; the zero id when there is none. Rejects with a StorageError when it can't be understood. */
export async function readTopicId(folder: string): Promise<string> {
  const file = path.join(folder, PARTITION_METADATA_FILE)
  return parseTopicId(await readIfThere(file), file)
}

/** The topic id in the text of `file`, a partition.metadata; undefined: there is none. Throws a StorageError when it can't be understood. */
export function parseTopicId(text: string | undefined, file: string): string {
  if (text === undefined || text === '') return ZERO_UUID
  const version = /^version: *(.*)$/m.exec(text)?.[1]
  const topicId = /^topic_id: *([A-Za-z0-9_-]{22})$/m.exec(text)?.[1]
  // Taken for a partition of no topic in particular, it could be given to a wrong one.
  if (version !== '0') throw new StorageError('EINVAL', file, `${file}: version is ${version ?? 'missing'}, only 0 is known`)
  if (topicId === undefined) throw new StorageError('EINVAL', file, `${file} names no topic id`)
  return topicId
}

/**
 * Creates the folder durably, with the topic's id in it. An existing one only gets the id; one that holds segments is of a topic whose
 * deletion could not be finished, and is moved out of the way.
 */
export async function createPartitionFolder(folder: string, topicId: string): Promise<void> {
  const place = parsePartitionFolder(path.basename(folder))
  if (!(await makeFolder(folder)) && place !== undefined && (await holdsSegments(folder))) {
    await renameForDeletion(folder, place.topic, place.partition)
    await makeFolder(folder)
  }
  if (topicId !== ZERO_UUID) await writeTopicId(folder, topicId)
  await syncFolder(path.dirname(folder))
}

/** Durably. Rejects with a StorageError. */
export function writeTopicId(folder: string, topicId: string): Promise<void> {
  return writeDurably(path.join(folder, PARTITION_METADATA_FILE), `version: 0\ntopic_id: ${topicId}`)
}

/** False: it is there already. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    // Not the directory above: one that is gone, or not mounted, must not come into being again.
    await mkdir(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw storageError(error, folder)
  }
}

/** False: something else has the name, which is none of ours to touch. */
export async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false
  )
}

/** Rejects with a StorageError. */
export async function holdsSegments(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => parseSegmentFile(name) !== undefined)
  } catch (error) {
    throw storageError(error, folder)
  }
}

/** A name beside the folder's that no start takes for a partition's. */
export function nameForDeletion(folder: string, topic: string, partition: number): string {
  return path.join(path.dirname(folder), deletedFolder(topic, partition, randomBytes(16).toString('hex')))
}

/** Renames the folder so that no start takes it for a partition. Returns its new path. */
export async function renameForDeletion(folder: string, topic: string, partition: number): Promise<string> {
  const renamed = nameForDeletion(folder, topic, partition)
  await renameDurably(folder, renamed)
  return renamed
}

/** Within one folder. Rejects with a StorageError. */
export async function renameDurably(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    throw storageError(error, from)
  }
  await syncFolder(path.dirname(to))
}

/** Removes the files that a log makes, and the folder if nothing else is in it. Returns what was left because it is somebody else's. */
export async function removePartitionFolder(folder: string): Promise<string[]> {
  const left: string[] = []
  try {
    for (const name of await readdir(folder)) {
      if (OWN_FILES.has(name) || parseSegmentFile(name) || isSetAside(name)) await removeFile(path.join(folder, name))
      else left.push(name)
    }
    if (left.length === 0) await rmdir(folder)
  } catch (error) {
    throw storageError(error, folder)
  }
  return left
}
