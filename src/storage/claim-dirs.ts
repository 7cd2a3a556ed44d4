/** Taking log directories: locking them, and making them one cluster's and one node's. */
import { strict as assert } from 'node:assert'
import { stat } from 'node:fs/promises'
import { ConfigError, StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import { storageError } from './files.js'
import type { LogDir } from './log-dir.js'
import { randomUuid, type MetaProperties } from './meta-properties.js'

export interface Claim {
  readonly nodeId: number
  /** Must be that of existing directories; new ones get it, or a random one. */
  readonly clusterId?: string
  /** Without this one there is no broker, as in Kafka. */
  readonly metadataDir: string | undefined
  readonly log: Logger
}

/**
 * Returns the cluster id. Directories that do not work are offline afterwards. Throws a ConfigError when one is somebody else's, in use, twice
 * there, or when none is left.
 */
export async function claimDirs(dirs: readonly LogDir[], claim: Claim): Promise<string> {
  assert(dirs.length > 0, 'there is at least one log directory')
  const known = new Map<LogDir, MetaProperties | undefined>()
  const folders = new Map<string, LogDir>()
  for (const dir of dirs) {
    await guarded(dir, dirs.length, claim.log, async () => {
      await dir.make()
      const folder = await identityOf(dir.path)
      const same = folders.get(folder)
      if (same) throw new ConfigError('log.dirs', `Duplicate log directory found: ${same.path} and ${dir.path} are the same folder`)
      folders.set(folder, dir)
      known.set(dir, await dir.lock())
    })
  }
  checkDirectoryIds(known)
  const cluster = [...known.values()].find((meta) => meta !== undefined)?.clusterId ?? claim.clusterId ?? randomUuid()
  for (const [dir, meta] of known) {
    checkOwner(dir, meta, claim.clusterId ?? cluster, claim.nodeId)
    const directoryId = meta?.directoryId ?? randomUuid()
    const mine = { clusterId: cluster, nodeId: claim.nodeId, directoryId }
    await guarded(dir, dirs.length, claim.log, () => dir.adopt(meta, mine))
  }
  if (dirs.every((dir) => !dir.online)) throw new ConfigError('log.dirs', `no log directory can be used: ${dirs[0]!.failure!.message}`)
  for (const { path, failure } of dirs) {
    if (failure && path === claim.metadataDir)
      throw new ConfigError('metadata.log.dir', `${path}, which holds the metadata log, can not be used: ${failure.message}`)
  }
  return cluster
}

// Two paths may lead to one folder: through links, or by mounts.
async function identityOf(dir: string): Promise<string> {
  try {
    const { dev, ino } = await stat(dir, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    throw storageError(error, dir)
  }
}

function checkOwner(dir: LogDir, meta: MetaProperties | undefined, clusterId: string, nodeId: number): void {
  if (meta === undefined) return
  if (meta.clusterId !== clusterId)
    throw new ConfigError('log.dirs', `${dir.path} belongs to the cluster ${meta.clusterId}, not to ${clusterId}`)
  if (meta.nodeId !== nodeId) throw new ConfigError('log.dirs', `${dir.path} belongs to the node ${meta.nodeId}, not to ${nodeId}`)
}

// A copied folder: what is written to one of the two would be looked for in the other.
function checkDirectoryIds(known: ReadonlyMap<LogDir, MetaProperties | undefined>): void {
  const owners = new Map<string, LogDir>()
  for (const [dir, meta] of known) {
    if (meta?.directoryId === undefined) continue
    const other = owners.get(meta.directoryId)
    if (other) {
      const both = `${other.path} and ${dir.path}`
      throw new ConfigError(
        'log.dirs',
        `Duplicate directory ID ${meta.directoryId} found. It was the ID of ${both}: one is a copy of the other`
      )
    }
    owners.set(meta.directoryId, dir)
  }
}

/** One of several directories may be broken; the only one may not. */
async function guarded(dir: LogDir, count: number, log: Logger, work: () => Promise<unknown>): Promise<void> {
  try {
    if (dir.online) await work()
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (count === 1) throw new ConfigError('log.dirs', `${dir.path} can not be used: ${error.message}`, { cause: error })
    dir.fail(error)
    log.error(`log directory ${dir.path} is offline: ${error.message}`)
  }
}
