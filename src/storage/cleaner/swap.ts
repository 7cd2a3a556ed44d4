/**
 * Putting a cleaned segment in the place of those it was made of, as Kafka does: `.cleaned` becomes `.swap` when it is whole, the old ones become
 * `.deleted`, `.swap` loses its suffix. A crash after any step is put right when the log is opened (`recoverSwaps`): a `.cleaned` file is thrown
 * away, a complete `.swap` takes the place of all that lies in its range.
 *
 * That holds only if the disk sees the steps in this order: the folder is flushed between them, so that no rename is lost behind a later one.
 */
import { constants } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import * as batch from '../../record/batch.js'
import { StorageError } from '../../errors.js'
import { CORRUPT_SUFFIX, keepTail, setAside } from '../set-aside.js'
import { isFull, openFile, removeFile, renameIfThere, storageError, syncFolder } from '../files.js'
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  offsetName,
  parseSegmentFile,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
  type SegmentFileName
} from '../names.js'

/** In the order in which Kafka renames them. */
export const SWAPPED_SUFFIXES = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX] as const

export type SwapStep = { readonly kind: 'rename'; readonly from: string; readonly to: string } | { readonly kind: 'sync' }

/** All that is done, one step after the other. Names of files in the folder of the log; one that is missing is passed over. */
export function swapSteps(newBase: number, oldBases: readonly number[]): SwapStep[] {
  const steps: SwapStep[] = [{ kind: 'sync' }]
  const renameAll = (base: number, from: string, to: string) => {
    for (const suffix of SWAPPED_SUFFIXES) {
      const name = offsetName(base) + suffix
      steps.push({ kind: 'rename', from: name + from, to: name + to })
    }
  }
  renameAll(newBase, CLEANED_SUFFIX, SWAP_SUFFIX)
  steps.push({ kind: 'sync' })
  for (const base of oldBases) renameAll(base, '', DELETED_SUFFIX)
  steps.push({ kind: 'sync' })
  renameAll(newBase, SWAP_SUFFIX, '')
  steps.push({ kind: 'sync' })
  return steps
}

/** The folder has no room for a name. */
export interface SwapWithoutRoom {
  readonly error: StorageError
  /** What is still to be done, or done by the next start; nothing: all is as it was before. */
  readonly left: readonly SwapStep[]
}

/** Resolves to undefined when all is done. Rejects with a StorageError: then only opening the log anew puts it right. */
export async function runSwapSteps(folder: string, steps: readonly SwapStep[]): Promise<SwapWithoutRoom | undefined> {
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'sync') {
      await syncFolder(folder)
      continue
    }
    const from = path.join(folder, step.from)
    const isLast = !step.to.endsWith(SWAP_SUFFIX) && !step.to.endsWith(DELETED_SUFFIX)
    try {
      await renameIfThere(from, path.join(folder, step.to))
    } catch (error) {
      if (!(error instanceof StorageError) || !isFull(error.code)) throw error
      if (isLast) return { error, left: steps.slice(index) }
      if (step.to.endsWith(SWAP_SUFFIX)) {
        await undoSteps(folder, steps.slice(0, index))
        return { error, left: [] }
      }
      // Whoever reads it has it open.
      await removeFile(from)
    }
  }
  return undefined
}

// As a start does that finds them beside what is still called .cleaned.
async function undoSteps(folder: string, steps: readonly SwapStep[]): Promise<void> {
  for (const step of steps) if (step.kind === 'rename') await removeFile(path.join(folder, step.to))
  await syncFolder(folder)
}

/** Removes what an unfinished compaction has written. */
export async function removeCleaned(folder: string, base: number): Promise<void> {
  for (const suffix of SWAPPED_SUFFIXES) await removeFile(path.join(folder, offsetName(base) + suffix + CLEANED_SUFFIX))
}

/** Whether it is a file that `recoverSwaps` deals with. */
export function isUnfinishedSwap(name: string): boolean {
  if (!name.endsWith(CLEANED_SUFFIX) && !name.endsWith(SWAP_SUFFIX)) return false
  const state = parseSegmentFile(name)?.state
  return state === CLEANED_SUFFIX || state === SWAP_SUFFIX
}

/** Finishes or undoes what a crash interrupted. Rejects with a StorageError. `tell`: what was done, in a sentence. */
export async function recoverSwaps(folder: string, tell: (message: string) => void): Promise<void> {
  const files = await segmentFiles(folder)
  const cleaned = files.filter(({ state }) => state === CLEANED_SUFFIX)
  const swaps = files.filter(({ state }) => state === SWAP_SUFFIX)
  if (cleaned.length === 0 && swaps.length === 0) return
  // Beside a .cleaned file, a .swap file at or behind its offset is part of the same unfinished step: the old segments are all there still (KAFKA-6264).
  const firstCleaned = Math.min(...cleaned.map(({ offset }) => offset))
  const valid = swaps.filter(({ offset }) => offset < firstCleaned)
  const undone = swaps.filter(({ offset }) => offset >= firstCleaned)
  for (const file of undone) await removeFile(pathOf(folder, file))
  // A .swap file that a power cut brought back without them would be taken for valid.
  if (undone.length > 0) await syncFolder(folder)
  for (const file of cleaned) await removeFile(pathOf(folder, file))
  if (valid.length > 0) await finishSwaps(folder, valid, files, tell)
  await syncFolder(folder)
}

async function finishSwaps(
  folder: string,
  found: readonly SegmentFileName[],
  files: readonly SegmentFileName[],
  tell: (message: string) => void
): Promise<void> {
  const logs: SegmentFileName[] = []
  let end = -Infinity
  const living = files.filter(({ state, suffix }) => state === '' && suffix === LOG_SUFFIX).map(({ offset }) => offset)
  const gone = new Set<SegmentFileName>()
  for (const log of found.filter(({ suffix }) => suffix === LOG_SUFFIX)) {
    const { next, damagedFrom } = await batchesOf(pathOf(folder, log), log.offset)
    if (damagedFrom !== undefined) {
      // What it was made of is the better copy; where that is gone already, its sound beginning is the only one.
      for (const file of found) if (file.offset === log.offset && file !== log) gone.add(file)
      if (damagedFrom === 0 || living.some((offset) => offset >= log.offset && offset < next)) {
        gone.add(log)
        await keepDamaged(folder, log, tell)
        continue
      }
      await cutDamaged(folder, log, damagedFrom, next, tell)
    }
    logs.push(log)
    end = Math.max(end, next)
  }
  const swaps = found.filter((file) => !gone.has(file))
  if (swaps.length === 0) return
  const start = Math.min(...logs.map(({ offset }) => offset))
  for (const file of files) {
    if (file.state !== '' || file.suffix === SNAPSHOT_SUFFIX || file.offset < start || file.offset >= end) continue
    await removeFile(pathOf(folder, file))
  }
  // Else a power cut could bring them back beside what is in their place.
  await syncFolder(folder)
  for (const file of swaps) {
    const from = pathOf(folder, file)
    try {
      await rename(from, pathOf(folder, { ...file, state: '' }))
    } catch (error) {
      throw storageError(error, from)
    }
  }
  const what = logs.length > 0 ? `the segments from ${start} to ${end} are replaced by their compacted form` : 'renamed its last files'
  tell(`${folder}: a compaction that was interrupted is completed: ${what}`)
}

// It was whole when it got its name: what it is now is not worth what it was to replace.
async function keepDamaged(folder: string, log: SegmentFileName, tell: (message: string) => void): Promise<void> {
  const kept = await setAside(pathOf(folder, log), CORRUPT_SUFFIX)
  for (const suffix of SWAPPED_SUFFIXES) await removeFile(pathOf(folder, { ...log, suffix }))
  tell(`${pathOf(folder, log)} is no whole segment: it takes no other's place, and is kept as ${kept ?? 'it is'}`)
}

// Its indexes, which tell of what is cut off, are made anew when the log is opened.
async function cutDamaged(
  folder: string,
  log: SegmentFileName,
  from: number,
  next: number,
  tell: (message: string) => void
): Promise<void> {
  const file = pathOf(folder, log)
  const kept = await keepTail(file, from)
  for (const suffix of SWAPPED_SUFFIXES) if (suffix !== LOG_SUFFIX) await removeFile(pathOf(folder, { ...log, suffix }))
  try {
    const handle = await openFile(file, constants.O_RDWR)
    try {
      await handle.truncate(from)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
  const rest = kept === undefined ? '' : `; what was cut off is kept as ${kept}`
  tell(`${file} is no whole segment, and what it was to replace is gone: it is cut off at offset ${next}${rest}`)
}

async function segmentFiles(folder: string): Promise<SegmentFileName[]> {
  try {
    return (await readdir(folder)).map(parseSegmentFile).filter((file) => file !== undefined)
  } catch (error) {
    throw storageError(error, folder)
  }
}

function pathOf(folder: string, { offset, suffix, state }: SegmentFileName): string {
  return path.join(folder, offsetName(offset) + suffix + state)
}

const READ_BYTES = 1 << 20

/** Behind the last whole batch of a segment file, or its base offset; from which byte on there are other bytes than batches. */
async function batchesOf(file: string, baseOffset: number): Promise<{ next: number; damagedFrom: number | undefined }> {
  try {
    const handle = await openFile(file)
    try {
      const buffer = Buffer.alloc(READ_BYTES)
      const { size } = await handle.stat()
      let next = baseOffset
      let start = 0
      let length = 0
      for (let at = 0; at < size;) {
        if (at + batch.BATCH_OVERHEAD > start + length) {
          length = (await handle.read(buffer, 0, READ_BYTES, at)).bytesRead
          start = at
          if (length < batch.BATCH_OVERHEAD) return { next, damagedFrom: at }
        }
        const bytes = batch.sizeInBytes(buffer, at - start)
        if (bytes < batch.BATCH_OVERHEAD || bytes > size - at) return { next, damagedFrom: at }
        next = Math.max(next, batch.lastOffset(buffer, at - start) + 1)
        at += bytes
      }
      return { next, damagedFrom: undefined }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
}
