/** What a broker needs to serve data folders that it must not change: a mirror of them, their metadata, and settings that keep everything. */
import { rm } from 'node:fs/promises'
import os from 'node:os'
import { GROUP_TOPIC } from './coordinator/group/group-coordinator.js'
import { TRANSACTION_TOPIC } from './coordinator/transaction/transaction-coordinator.js'
import type { Logger } from './log.js'
import { writeFolderMetadata } from './metadata/folder-metadata.js'
import { randomUuid } from './storage/meta-properties.js'
import { mirrorFolders } from './storage/mirror.js'

export interface ReadOnlyOptions {
  /** Data folders of one broker that does not run. */
  readonly dirs: readonly string[]
  /** Where the mirror goes: links, small files, and indexes that have to be made. Default: the system's temporary folder. */
  readonly temp?: string
  /** What OffsetCommit gets: `refuse`, the default, an error; `memory`: the offsets are kept until the broker stops. */
  readonly commits?: 'refuse' | 'memory'
}

export interface ReadOnlyPlan {
  /** To be laid over the given ones. */
  readonly settings: Readonly<Record<string, string>>
  /** The folder that stands behind each log directory. */
  readonly shown: ReadonlyMap<string, string>
  readonly commits: 'refuse' | 'memory'
  /** Removes the mirror. */
  remove(): Promise<void>
}

/** Rejects with a ConfigError or a StorageError; nothing is left behind then. */
export async function planReadOnly({ dirs, temp, commits = 'refuse' }: ReadOnlyOptions, log: Logger): Promise<ReadOnlyPlan> {
  const mirror = await mirrorFolders(dirs, temp ?? os.tmpdir(), log)
  const remove = () => rm(mirror.root, { recursive: true, force: true })
  const { nodeId, partitions, metadataFolder } = mirror
  const paths = mirror.dirs.map((dir) => dir.path)
  try {
    await writeFolderMetadata({
      dir: paths[0]!,
      nodeId,
      partitions,
      metadataFolder,
      completed: new Set([GROUP_TOPIC, TRANSACTION_TOPIC]),
      newUuid: randomUuid,
      log
    })
  } catch (error) {
    await remove()
    throw error
  }
  log.info(`nothing is written into ${mirror.dirs.map(({ source }) => source).join(', ')}; what must be written goes to ${mirror.root}`)
  const settings = {
    'node.id': String(nodeId),
    'log.dirs': paths.join(','),
    'metadata.log.dir': paths[0]!,
    'auto.create.topics.enable': 'false',
    // Offsets of long ago are what somebody wants to look at.
    'offsets.retention.minutes': '2147483647'
  }
  return { settings, shown: new Map(mirror.dirs.map(({ path, source }) => [path, source])), commits, remove }
}
