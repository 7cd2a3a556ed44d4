/** How directed tests look at what a child has left: its marks, its renames, its folders. */
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { JournalOp } from '../../src/cli/crash-journal.js'
import { offsetName } from '../../src/storage/names.js'
import { ManualClock, type Engine } from '../storage/support.js'
import { type Aftermath, namesIn } from './directed.js'
import { FOLDER, TOPIC } from './scenes.js'

/** The log of a folder that a child has left. */
export async function open(after: Aftermath, dir: string, topic: Readonly<Record<string, string>> = TOPIC) {
  const engine: Engine = await after.open(dir, { topic, clock: new ManualClock() })
  const log = (await engine.manager.whenReady('t', 0))!
  return { engine, log }
}

/** The name of a segment's file, below the disk. */
export function logOf(base: number): string {
  return path.join('data', FOLDER, `${offsetName(base)}.log`)
}

/** What a mark `${word} ${number}` says. */
export function told(after: Aftermath, word: string): number {
  for (const { op, data } of after.entries) {
    const found = op === JournalOp.mark ? new RegExp(`^${word} (\\d+)$`, 'm').exec(data.toString())?.[1] : undefined
    if (found !== undefined) return Number(found)
  }
  throw new Error(`the child has not said ${word}`)
}

/** Of the renames behind an entry: the base offsets of logs that got the suffix, in order. */
export function renamedLogs(after: Aftermath, from: number, suffix: string): { readonly at: number; readonly base: number }[] {
  const found: { at: number; base: number }[] = []
  for (const [at, entry] of after.entries.entries()) {
    if (at > from && entry.op === JournalOp.rename && entry.to.endsWith(`.log${suffix}`))
      found.push({ at, base: Number(path.basename(entry.to).slice(0, 20)) })
  }
  return found
}

/** Of both folders, but for snapshots; returns those of the cut. */
export async function sameNames(t: ExecutionContext, after: Aftermath, cut: string): Promise<string[]> {
  const names = await namesIn(path.join(cut, FOLDER))
  const snapshots = (name: string) => !name.endsWith('.snapshot')
  t.deepEqual(names.filter(snapshots), (await namesIn(path.join(after.dir, FOLDER))).filter(snapshots))
  return names
}
