/**
 * Putting a cleaned segment in the place of those it was made of, as Kafka does: `.cleaned` becomes `.swap` when it is whole, the old ones become
 * `.deleted`, `.swap` loses its suffix. A crash after any step is put right when the log is opened (`recoverSwaps`): a `.cleaned` file is thrown
 * away, a complete `.swap` takes the place of all that lies in its range.
 *
 * That holds only if the disk sees the steps in this order: the folder is flushed between them, so that no rename is lost behind a later one.
 */
import { open, readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import * as batch from '../../record/batch.js'
import { StorageError } from '../../errors.js'
import { CORRUPT_SUFFIX, setAside } from '../set-aside.js'
import { isFull, removeFile, renameIfThere, storageError, syncFolder } from '../files.js'
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
  for (const log of found.filter(({ suffix }) => suffix === LOG_SUFFIX)) {
    const next = await nextOffsetOf(pathOf(folder, log), log.offset)
    if (next !== undefined) logs.push(log)
    if (next !== undefined) end = Math.max(end, next)
    else await keepDamaged(folder, log, tell)
  }
  const damaged = new Set(found.filter((file) => file.suffix === LOG_SUFFIX && !logs.includes(file)).map(({ offset }) => offset))
  const swaps = found.filter(({ offset }) => !damaged.has(offset))
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

/** Behind the last batch of a segment file; its base offset when there is none; undefined: there are other bytes than batches. */
async function nextOffsetOf(file: string, baseOffset: number): Promise<number | undefined> {
  try {
    const handle = await open(file, 'r')
    try {
      const buffer = Buffer.alloc(READ_BYTES)
      const { size } = await handle.stat()
      let next = baseOffset
      let start = 0
      let length = 0
      for (let at = 0; at < size;) {
        if (at + batch.BATCH_OVERHEAD > size) return undefined
        if (at + batch.BATCH_OVERHEAD > start + length) {
          length = (await handle.read(buffer, 0, READ_BYTES, at)).bytesRead
          start = at
          if (length < batch.BATCH_OVERHEAD) return undefined
        }
        const bytes = batch.sizeInBytes(buffer, at - start)
        if (bytes < batch.BATCH_OVERHEAD || bytes > size - at) return undefined
        next = Math.max(next, batch.lastOffset(buffer, at - start) + 1)
        at += bytes
      }
      return next
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
}
