/** Folders for rounds. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const call = promisify(execFile)

/** Where a round takes place: `disk` is watched and holds the log directories. */
export interface Place {
  readonly work: string
  readonly disk: string
  readonly history: string
  /** `disk` is a file system of its own. */
  readonly mounted?: true
}

export async function makePlace(): Promise<Place> {
  const work = await realpath(await mkdtemp(path.join(os.tmpdir(), 'sluice-crash-')))
  const disk = path.join(work, 'disk')
  await mkdir(disk)
  return { work, disk, history: path.join(work, 'history') }
}

/** A disk in memory: small, so that what fills it is soon written. */
export async function makeSmallPlace(): Promise<Place> {
  const place = await makePlace()
  try {
    await call('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', place.disk])
    return { ...place, mounted: true }
  } catch (error) {
    await removePlace(place)
    throw error
  }
}

/** Whether this user may mount file systems. */
export async function canMount(): Promise<boolean> {
  try {
    await removePlace(await makeSmallPlace())
    return true
  } catch {
    return false
  }
}

export async function removePlace({ work, disk, mounted }: Place): Promise<void> {
  if (mounted) await call('umount', ['-l', disk])
  await rm(work, { recursive: true, force: true })
}
