/** Where children are killed, and what goes wrong with the disk: rules of the fault library (native/faults/rules.h). */
import type { Random } from '../../src/cli/crash-disk.js'

/** An operation, and up to the how many-th of its kind. */
const KILL_POINTS: readonly (readonly [point: string, most: number])[] = [
  ['any *', 400],
  ['any *', 60],
  ['write *.log', 60],
  ['write *.index', 20],
  ['write *.timeindex', 20],
  ['create *.log', 12],
  ['create *.index', 8],
  ['create *.timeindex', 8],
  ['create *.snapshot', 6],
  ['write *.snapshot', 6],
  ['sync *.log', 20],
  ['sync *.index', 10],
  ['sync-folder *', 20],
  ['write *leader-epoch-checkpoint.tmp', 4],
  ['sync *leader-epoch-checkpoint.tmp', 4],
  ['rename *leader-epoch-checkpoint', 4],
  ['write *recovery-point-offset-checkpoint.tmp', 3],
  ['rename *recovery-point-offset-checkpoint', 3],
  ['rename *log-start-offset-checkpoint', 3],
  ['rename *.deleted', 8],
  ['unlink *.deleted', 4],
  ['mkdir *-0', 4],
  ['create *partition.metadata.tmp', 4],
  ['write *partition.metadata.tmp', 4],
  ['rename *partition.metadata', 4],
  ['rename *-delete', 2],
  ['unlink *-delete/*', 4],
  ['rmdir *-delete', 2],
  ['rename *meta.properties', 1],
  ['unlink *.kafka_cleanshutdown', 1],
  ['rename *.kafka_cleanshutdown', 1],
  ['truncate *', 4],
  // Compaction.
  ['create *.cleaned', 6],
  ['write *.log.cleaned', 6],
  ['write *index.cleaned', 4],
  ['sync *.cleaned', 6],
  ['rename *.swap', 12],
  ['rename *.log.swap', 4],
  ['rename *cleaner-offset-checkpoint', 3],
  ['unlink *.cleaned', 4],
  ['unlink *.swap', 2],
  // Aborted transactions.
  ['create *.txnindex', 3],
  ['write *.txnindex', 4],
  ['sync *.txnindex', 3],
  // A move to the other directory.
  ['mkdir *-future', 2],
  ['create *-future/*', 8],
  ['write *-future/*.log', 6],
  ['sync *-future/*', 6],
  ['sync-folder *-future', 6],
  ['write assigned.tmp', 2],
  ['rename assigned*', 2],
  ['rename *-future', 2],
  ['rename *-delete', 3],
  ['unlink *-delete/*', 8]
]
const KILLS = ['kill', 'kill-mid', 'kill-after'] as const

export function chosen<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!
}

/** A point at which a child is killed. */
export interface Kill {
  readonly point: string
  readonly rule: string
}

export function killAt(random: Random): Kill {
  const [point, most] = chosen(random, KILL_POINTS)
  return { point, rule: `${chosen(random, KILLS)} ${point} ${1 + Math.floor(random() * most)}` }
}

export interface Fault {
  readonly rule: string
  /** The folder may go offline for it; else it must go on when the fault is over. */
  readonly takesOffline: boolean
  /** What is half done waits for the end of it: it must have one soon. */
  readonly passes?: true
}

export const FAULTS: readonly Fault[] = [
  { rule: 'EIO write *.log', takesOffline: true },
  { rule: 'EIO write *.index', takesOffline: true },
  { rule: 'EIO write *.timeindex', takesOffline: true },
  { rule: 'EIO create *.log', takesOffline: true },
  { rule: 'EIO sync *.log', takesOffline: true },
  { rule: 'EIO sync *.index', takesOffline: true },
  { rule: 'EIO sync-folder *', takesOffline: true },
  { rule: 'ENOSPC sync *.log', takesOffline: true },
  { rule: 'EIO rename *-checkpoint', takesOffline: true },
  { rule: 'EIO sync *checkpoint.tmp', takesOffline: true },
  { rule: 'EIO rename *.deleted', takesOffline: true },
  { rule: 'EIO write *.cleaned', takesOffline: true },
  { rule: 'EIO sync *.cleaned', takesOffline: true },
  { rule: 'EIO rename *.swap', takesOffline: true },
  { rule: 'EIO rename *-future', takesOffline: true },
  { rule: 'EIO rename *-delete', takesOffline: true },
  { rule: 'EIO rename *.cleaned', takesOffline: true },
  { rule: 'EIO create *', takesOffline: true },
  { rule: 'EIO mkdir *', takesOffline: true },
  { rule: 'EIO unlink *', takesOffline: true },
  { rule: 'EIO open *', takesOffline: true },
  { rule: 'EIO read *.log', takesOffline: true },
  { rule: 'EIO read *index', takesOffline: true },
  { rule: 'EROFS any *', takesOffline: true },
  { rule: 'EIO truncate *', takesOffline: true },
  { rule: 'ENOSPC write *', takesOffline: false },
  { rule: 'ENOSPC write *.log', takesOffline: false },
  { rule: 'ENOSPC write *.index', takesOffline: false },
  { rule: 'ENOSPC write *.timeindex', takesOffline: false },
  { rule: 'ENOSPC create *', takesOffline: false },
  { rule: 'ENOSPC mkdir *', takesOffline: false },
  { rule: 'ENOSPC rename *-checkpoint', takesOffline: false },
  { rule: 'ENOSPC rename *.deleted', takesOffline: false },
  { rule: 'ENOSPC rename *-delete', takesOffline: false },
  { rule: 'EDQUOT create *', takesOffline: false },
  { rule: 'EDQUOT write *', takesOffline: false },
  { rule: 'EMFILE create *.log', takesOffline: false, passes: true },
  { rule: 'EMFILE open *', takesOffline: false, passes: true },
  { rule: 'EMFILE open *-0', takesOffline: false, passes: true },
  { rule: 'EMFILE create *', takesOffline: false, passes: true },
  { rule: 'ENFILE open *', takesOffline: false, passes: true },
  { rule: 'short write *', takesOffline: false },
  { rule: 'ENOSPC write *checkpoint.tmp', takesOffline: false },
  { rule: 'ENOSPC write *.snapshot', takesOffline: false },
  { rule: 'ENOSPC write *.cleaned', takesOffline: false },
  { rule: 'ENOSPC write *-future/*', takesOffline: false }
]
