/**
 * Closing all logs of a directory. Few logs are flushed file by file. With many, what they save is written in few native jobs and one or two flushes of the
 * whole file system make all of it durable: thousands of flushes would each wait for the disk.
 */
import { nameFiles, syncFileSystem, writeFiles } from '../native/folders.js'
import type { Runtime } from '../native/runtime.js'
import type { Log } from './log.js'
import type { LogDir } from './log-dir.js'
import { TaskQueue } from './task-queue.js'

/** Each needs a few descriptors more until it has let go of its own: thousands at a time would meet the limit of the process. */
const CLOSED_AT_A_TIME = 32
/** A flush of the file system waits for whatever others write to it: only where flushing each log would take longer. */
const TOGETHER_FROM = 64
const FILES_PER_JOB = 256
/** Of those whose files were closed to save descriptors. */
const OPENED_TOGETHER = 2048

/** All are closed when it settles. Rejects with the first error: then the directory is not closed cleanly. */
export async function closeLogs(dir: LogDir, runtime: Runtime): Promise<void> {
  const errors: unknown[] = []
  // One at a time, those with open files first: opening the others beside them would have each make room by flushing one.
  for (const group of groupsOf(dir)) await closeGroup(dir, group, runtime).catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

function groupsOf(dir: LogDir): Log[][] {
  const open: Log[] = []
  const closed: Log[] = []
  for (const log of dir.logs.values()) (log.hasOpenFiles ? open : closed).push(log)
  return [open, ...groupsOfMost(closed, OPENED_TOGETHER)]
}

async function closeGroup(dir: LogDir, logs: readonly Log[], runtime: Runtime): Promise<void> {
  const queue = new TaskQueue(CLOSED_AT_A_TIME)
  const settled = await Promise.allSettled(logs.map((log) => queue.run(() => log.closing.settle())))
  const unsaved = logs.filter((log) => log.closing.hasUnsaved())
  const allSettled = settled.every(({ status }) => status === 'fulfilled')
  if (allSettled && unsaved.length >= TOGETHER_FROM && (await saveTogether(dir, unsaved, runtime))) {
    for (const log of logs) log.closing.closeSaved()
  } else {
    for (const log of logs) if (!log.closing.hasUnsaved()) log.closing.closeSaved()
    settled.push(...(await Promise.allSettled(unsaved.map((log) => queue.run(() => log.close())))))
  }
  for (const result of settled) if (result.status === 'rejected') throw result.reason
}

/** False: it did not work, each is to be closed by itself, which tells why. */
async function saveTogether(dir: LogDir, logs: readonly Log[], runtime: Runtime): Promise<boolean> {
  try {
    const files = logs.flatMap((log) => log.closing.filesToSave())
    // What replaces another file gets its name when it is on the disk: a power cut would else leave half of it under that name.
    const written = files.map((file) => (file.replaces ? { ...file, path: `${file.path}.tmp`, replaces: false } : file))
    const names = files.filter(({ replaces }) => replaces).map((file) => file.path)
    const sync = () => syncFileSystem(runtime, dir.path, dir.lockHandle)
    await Promise.all(groupsOfMost(written, FILES_PER_JOB).map((group) => writeFiles(runtime, dir.path, group, false)))
    if (!dir.online || !(await sync())) return false
    if (names.length === 0) return true
    await Promise.all(groupsOfMost(names, FILES_PER_JOB).map((group) => nameFiles(runtime, dir.path, group)))
    return dir.online && (await sync())
  } catch {
    return false
  }
}

function groupsOfMost<T>(all: readonly T[], most: number): T[][] {
  const groups: T[][] = []
  for (let at = 0; at < all.length; at += most) groups.push(all.slice(at, at + most))
  return groups
}
