/** What opening a log finds that is not as it should be: each is told, and what may hold somebody's data is kept beside the log. */
import path from 'node:path'
import { StorageError } from '../errors.js'
import { CURRENT_MAGIC } from '../record/batch.js'
import { hasSoundBatch } from './inspect/segment-walk.js'
import type { ScanEnd } from './log-scan.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { LOG_SUFFIX } from './names.js'
import { otherFormatAt } from './other-formats.js'
import { CORRUPT_SUFFIX, keepTail, setAside, UNREADABLE_SUFFIX } from './set-aside.js'

/** Reasons of a scan to stop (see segmentScan). */
const TORN = 5
const FAULTS = [
  '',
  'a length that no batch has',
  'an unknown magic number',
  'a batch whose CRC does not match',
  'offsets that do not rise',
  'a torn batch'
]
const NAMES_SHOWN = 3

/** Files that are no log's: told of, never touched. */
export function tellForeign({ folder, environment }: LogState, names: readonly string[]): void {
  if (names.length === 0) return
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''
  environment.warn(`${folder} holds what is not a log's: ${names.slice(0, NAMES_SHOWN).join(', ')}${more}; it is left alone`)
}

/** A small file that can't be read gets another name. `instead`: what the start does without it. Rejects with a StorageError. */
export async function keepUnreadable({ environment }: LogState, file: string, instead: string, error: Error): Promise<void> {
  const kept = await setAside(file, UNREADABLE_SUFFIX)
  environment.warn(`${file} can't be read: ${instead}${kept === undefined ? '' : `; the file is kept as ${kept}`}`, error)
}

/**
 * Before the segment is cut: tells of it. A torn end goes, for nobody was told that it was written. What lies behind anything else may have been
 * acknowledged: a copy of it stays beside the log. Rejects with a StorageError; nothing may be cut then.
 */
export async function keepCut(state: LogState, segment: LogSegment, { position, reason }: ScanEnd, closed: boolean): Promise<void> {
  const { environment, endOffset } = state
  const name = `${state.topic}-${state.partition}`
  const done = environment.readOnly === true ? 'not served' : 'cut off'
  environment.warn(`${name} ends in ${segment.size - position} bytes that are no whole batch, at offset ${endOffset}: ${done}`)
  const file = segment.path + LOG_SUFFIX
  const torn = reason === TORN && !closed && !(await hasSoundBatch(file, position + 1, segment.baseOffset, endOffset))
  if (torn) return
  // Somebody else's file stays as it is.
  const kept = environment.readOnly === true ? undefined : await keepTail(file, position)
  const where = `${name}: ${FAULTS[reason]} at byte ${position} of ${file}`
  environment.warn(kept === undefined ? where : `${where}; what was cut off is kept as ${kept}`)
}

/**
 * Before the log is cut: what begins there may be whole, but of a format that is not known here. Nobody may append in its place then. Rejects with a
 * StorageError that names it.
 */
export async function refuseOtherFormat({ path: segment }: LogSegment, position: number): Promise<void> {
  const file = segment + LOG_SUFFIX
  const magic = await otherFormatAt(file, position)
  if (magic === undefined) return
  const what = `${file} holds records of the format ${magic} at byte ${position}`
  throw new StorageError('ENOTSUP', file, `${what}, and only the format ${CURRENT_MAGIC} is known here: the log is left as it is`)
}

/** A segment behind the cut, already closed: its log gets another name. Rejects with a StorageError. */
export async function keepBehindCut(state: LogState, segment: LogSegment): Promise<void> {
  const what = `${state.topic}-${state.partition}: the segment at ${segment.baseOffset} lies behind the cut and is`
  if (segment.size === 0 || state.environment.readOnly === true) {
    return state.environment.warn(`${what} ${segment.size === 0 ? 'empty: removed' : 'not served'}`)
  }
  const kept = await setAside(segment.path + LOG_SUFFIX, CORRUPT_SUFFIX)
  state.environment.warn(`${what} kept as ${kept ?? path.basename(segment.path)}`)
}
