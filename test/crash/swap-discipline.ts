/**
 * In which order the names of a compaction's swap, and of what a start makes of an unfinished one, must come to the disk. Each kind of change relies on one
 * before it, which a flush of the folder must have made certain: chance would show a missing flush only where a power cut comes in between.
 */
import path from 'node:path'
import { JournalOp, type JournalEntry } from '../../src/cli/crash-journal.js'
import { CLEANED_SUFFIX, DELETED_SUFFIX, parseSegmentFile, SNAPSHOT_SUFFIX, SWAP_SUFFIX } from '../../src/storage/names.js'

type Change = 'cleaned' | 'swap' | 'old' | 'undone'

const RELIES_ON: Readonly<Record<Change, string>> = {
  cleaned: 'the names of its cleaned files',
  swap: 'the names of its swap files',
  old: 'the end of the old segments',
  undone: 'the end of the swap files'
}

export class SwapDiscipline {
  /** By folder: the entry of the last change of each kind. */
  readonly #last = new Map<string, Map<Change, number>>()
  readonly #swaps = new Set<string>()

  /** `flushed`: by folder, when the last flush of it that is over began. */
  apply(entry: JournalEntry, at: number, flushed: ReadonlyMap<string, number>): string[] {
    const folder = path.dirname(entry.path)
    const before = stateOf(entry.path)
    const after = entry.op === JournalOp.rename ? stateOf(entry.to) : undefined
    const relied: Change[] = []
    let change: Change | undefined
    if (entry.op === JournalOp.create && before === CLEANED_SUFFIX) change = 'cleaned'
    else if (entry.op === JournalOp.rename && after === SWAP_SUFFIX) {
      relied.push('cleaned')
      change = 'swap'
      this.#swaps.add(entry.to)
    } else if (entry.op === JournalOp.rename && before === SWAP_SUFFIX) {
      relied.push('swap', 'old')
      this.#swaps.delete(entry.path)
    } else if (before === '' && (after === DELETED_SUFFIX || entry.op === JournalOp.unlink)) {
      if (this.#isSwapping(folder)) relied.push('swap')
      change = 'old'
    } else if (entry.op === JournalOp.unlink && before === SWAP_SUFFIX) {
      change = 'undone'
      this.#swaps.delete(entry.path)
    } else if (entry.op === JournalOp.unlink && before === CLEANED_SUFFIX) relied.push('undone')
    else if (entry.op === JournalOp.rename && before === undefined) this.#follow(entry)
    const last = this.#last.get(folder)
    const problems = relied
      .filter((each) => (last?.get(each) ?? -1) > (flushed.get(folder) ?? -1))
      .map((each) => `${entry.path} goes or gets another name before ${RELIES_ON[each]} are flushed`)
    if (change !== undefined) this.#last.set(folder, (last ?? new Map<Change, number>()).set(change, at))
    return problems
  }

  #isSwapping(folder: string): boolean {
    return Array.from(this.#swaps).some((name) => path.dirname(name) === folder)
  }

  // A folder that is renamed is the same folder.
  #follow({ path: from, to }: JournalEntry): void {
    const last = this.#last.get(from)
    if (last === undefined) return
    this.#last.delete(from)
    this.#last.set(to, last)
  }
}

/** Of a file of a segment; undefined: it is none. */
function stateOf(name: string): string | undefined {
  const file = parseSegmentFile(path.basename(name))
  return file === undefined || file.suffix === SNAPSHOT_SUFFIX ? undefined : file.state
}
