/** How many segments may have their files open. */
import { readFileSync } from 'node:fs'

/** `.log`, `.index` and `.timeindex` */
const FILES_PER_SEGMENT = 3
const LEAST_SEGMENTS = 4
/** Of the limit of the process; the rest is for sockets and all else. */
const SHARE = 2 / 3
/** What Node and a broker without a connection have open, and what an operation needs for a moment. */
const OWN_FILES = 48

/** `files` 0: by the limit of this process, which Node has raised to the hard limit when it started. */
export function openSegments(files: number): number {
  const allowed = openFilesLimit()
  const limit = files > 0 ? files : Math.min(Math.floor(allowed * SHARE), allowed - OWN_FILES)
  return Math.max(LEAST_SEGMENTS, Math.floor(limit / FILES_PER_SEGMENT))
}

/** What `ulimit -n` says of this process. */
export function openFilesLimit(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return soft === undefined ? Number.MAX_SAFE_INTEGER : Number(soft)
}

/** Undefined: so many partitions have room. */
export function descriptorWarning(partitions: number, files: number): string | undefined {
  const most = openSegments(files)
  if (partitions <= most) return undefined
  return `${partitions} partitions, but files of ${most} segments at most are open at a time: those of others are closed and opened again (ulimit -n, sluice.disk.open.files)`
}
