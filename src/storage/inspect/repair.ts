/**
 * Repairs a data folder, or the folder of one partition, while no broker uses it. What can be made anew from the logs is: indexes, transaction
 * indexes; producer snapshots that contradict the log are set aside, and the next start makes them. The torn end of a log is cut off. Bad bytes
 * with sound batches behind them are never deleted: they are explained, and moved into a quarantine folder if there is one.
 */
import { constants, copyFile, link, lstat, open, rename, truncate } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { ConfigError, StorageError } from '../../errors.js'
import { lockFile, unlockFile } from '../../native/functions.js'
import { errnoName } from '../../native/runtime.js'
import { ensureFolder, isMissing, removeFile, syncFolder } from '../files.js'
import {
  CLEAN_SHUTDOWN_FILE,
  INDEX_SUFFIX,
  LOCK_FILE,
  LOG_SUFFIX,
  META_PROPERTIES_FILE,
  offsetName,
  parseSegmentFile,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX
} from '../names.js'
import { setAside, UNREADABLE_SUFFIX } from '../set-aside.js'
import { buildIndexes, buildTransactionIndex } from './build-indexes.js'
import type { AbortedTransaction } from './dump-state.js'
import { FileWindow } from './file-window.js'
import type { Finding } from './findings.js'
import { walkSegment, type BadBytes } from './segment-walk.js'
import { brokerOf, listData, lookThrough } from './verify-data.js'
import { verifyPartition, type PartitionSummary } from './verify-partition.js'

export interface RepairOptions {
  /** Only tell what would be done. */
  readonly dryRun: boolean
  /** Where the originals of logs go from which bad bytes are taken out; undefined: such logs stay as they are. */
  readonly quarantine: string | undefined
  readonly tell: (step: RepairStep) => void
}

export interface RepairStep {
  /** `left`: nothing is done about it. */
  readonly action: 'cut' | 'take-out' | 'rebuild' | 'set-aside' | 'left'
  /** Below the folder. */
  readonly file: string
  readonly message: string
}

/**
 * Resolves to true when nothing damaged is left of what was found. Rejects with a ConfigError while a broker holds the folder, and with a
 * StorageError or an error of node:fs.
 */
export async function repairData(folder: string, options: RepairOptions): Promise<boolean> {
  const data = await listData(folder)
  const { single, partitions } = data
  const top = single ? path.dirname(path.resolve(folder)) : folder
  // The folder of a partition may stand alone: then there is nobody who could lock it. In the folder of somebody else no file of a lock is left.
  const isData = partitions.length > 0 && (!single || (await exists(path.join(top, META_PROPERTIES_FILE))))
  const locked = isData ? hold(top, options.dryRun) : -1
  try {
    let whole = true
    let changed = false
    const left = ({ level, file, message }: Finding): void => {
      if (level !== 'damage') return
      options.tell({ action: 'left', file, message })
      whole = false
    }
    const repairs: PartitionRepair[] = []
    await lookThrough(data, left, async (partition) => {
      const one = new PartitionRepair(partition, folder, options)
      const summary = await one.look()
      repairs.push(one)
      return summary
    })
    for (const one of repairs) {
      await one.mend()
      whole &&= one.whole
      changed ||= one.changed
    }
    // The next start looks at everything.
    if (changed && !options.dryRun && (await removeFile(path.join(top, CLEAN_SHUTDOWN_FILE)))) await syncFolder(top)
    return whole
  } finally {
    if (locked >= 0) unlockFile(locked)
  }
}

/** `look`: the lock is only looked at, and nothing is held. */
function hold(folder: string, look: boolean): number {
  const file = path.join(folder, LOCK_FILE)
  const handle = look ? undefined : lockFile(file)
  if (handle === undefined ? brokerOf(folder) !== undefined : handle === -os.constants.errno.EAGAIN)
    throw new ConfigError('folder', `${folder} is in use by a broker, which holds ${file}: stop it first`)
  if (handle === undefined) return -1
  if (handle < 0) throw new StorageError(errnoName(handle), file)
  return handle
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

interface Bad {
  readonly base: number
  readonly piece: BadBytes
  /** The first that is missing. */
  readonly offset: number
}

class PartitionRepair {
  readonly #folder: string
  readonly #root: string
  readonly #options: RepairOptions
  readonly #bad: Bad[] = []
  readonly #damaged = new Set<string>()
  readonly #aborted = new Map<number, readonly AbortedTransaction[] | undefined>()
  readonly #bases: number[] = []
  changed = false
  whole = true

  constructor(folder: string, root: string, options: RepairOptions) {
    this.#folder = folder
    this.#root = root
    this.#options = options
  }

  look(): Promise<PartitionSummary> {
    return verifyPartition(this.#folder, {
      strict: false,
      root: this.#root,
      tell: () => undefined,
      progress: () => undefined,
      watch: {
        bad: (base, piece, offset) => this.#bad.push({ base, piece, offset }),
        damaged: (name) => this.#damaged.add(name),
        aborted: (base, entries) => {
          this.#bases.push(base)
          this.#aborted.set(base, entries)
        }
      }
    })
  }

  /** What was found. */
  async mend(): Promise<void> {
    const rebuilt = await this.#logs()
    for (const base of this.#bases) {
      const name = offsetName(base)
      const flawed = [INDEX_SUFFIX, TIME_INDEX_SUFFIX].some((suffix) => this.#damaged.has(name + suffix))
      if (flawed && !rebuilt.has(base)) await this.#rebuild(base)
      if (this.#damaged.has(name + TXN_INDEX_SUFFIX)) await this.#transactions(base)
    }
    await this.#rest()
  }

  /** Returns the segments whose indexes were made anew with them. */
  async #logs(): Promise<Set<number>> {
    const rebuilt = new Set<number>()
    const last = this.#bases.at(-1)
    for (const base of new Set(this.#bad.map((bad) => bad.base))) {
      const bad = this.#bad.filter((each) => each.base === base)
      const torn = bad.length === 1 && bad[0]!.piece.tail && (base === last || bad[0]!.piece.zeros)
      const done = torn ? await this.#cut(bad[0]!) : await this.#takeOut(base, bad)
      if (!done) continue
      rebuilt.add(base)
      await this.#rebuild(base)
    }
    return rebuilt
  }

  async #cut({ base, piece, offset }: Bad): Promise<boolean> {
    const name = offsetName(base) + LOG_SUFFIX
    const what = piece.zeros ? 'zeros that were never written' : `no whole batch (${piece.reason})`
    await this.#step(
      'cut',
      name,
      `at byte ${piece.from}: the ${piece.to - piece.from} bytes behind it, from offset ${offset} on, are ${what}`,
      () => truncate(path.join(this.#folder, name), piece.from)
    )
    return true
  }

  /** The log without its bad bytes, as compaction might have left it; the original goes into quarantine. */
  async #takeOut(base: number, bad: readonly Bad[]): Promise<boolean> {
    const name = offsetName(base) + LOG_SUFFIX
    const file = path.join(this.#folder, name)
    const lost = await this.#lost(base)
    const where = bad.map(({ piece }) => `bytes ${piece.from} to ${piece.to} (${piece.reason})`).join(', ')
    const { quarantine } = this.#options
    if (quarantine === undefined) {
      this.#tell(
        'left',
        name,
        `${where} are bad; lost are ${lost}. With --quarantine FOLDER the file is moved there and what is sound stays`
      )
      this.whole = false
      return false
    }
    const to = path.join(quarantine, path.basename(path.resolve(this.#folder)))
    await this.#step('take-out', name, `${where} are bad; lost are ${lost}. The original goes to ${to}`, async () => {
      const clean = `${file}.tmp`
      await ensureFolder(path.resolve(to))
      await writeSound(file, clean, base)
      await keep(file, path.join(to, name))
      await rename(clean, file)
      await syncFolder(this.#folder)
    })
    return true
  }

  async #lost(base: number): Promise<string> {
    const ranges: string[] = []
    const window = await FileWindow.open(path.join(this.#folder, offsetName(base) + LOG_SUFFIX))
    try {
      let open = false
      let next = base
      for await (const piece of walkSegment(window, base)) {
        if (piece.kind === 'bad') open = true
        else {
          const first = piece.header.readInt32BE(0) * 2 ** 32 + piece.header.readUInt32BE(4)
          if (open && first > next) ranges.push(`offsets ${next} to ${first - 1}`)
          open = false
          next = first + piece.header.readInt32BE(23) + 1
        }
      }
      const following = this.#bases.find((each) => each > base)
      if (open) ranges.push(following === undefined ? `what came from offset ${next} on` : `offsets ${next} to ${following - 1}`)
    } finally {
      await window.close()
    }
    return ranges.length === 0 ? 'no offsets that are not in sound batches' : ranges.join(', ')
  }

  async #rebuild(base: number): Promise<void> {
    const name = offsetName(base)
    // Of a log whose bad bytes stay, the index leads to what is sound.
    await this.#step('rebuild', name + INDEX_SUFFIX, 'together with the time index, from the log', () =>
      buildIndexes(path.join(this.#folder, name), base)
    )
  }

  async #transactions(base: number): Promise<void> {
    const name = offsetName(base) + TXN_INDEX_SUFFIX
    const entries = this.#aborted.get(base)
    if (entries === undefined) {
      this.#tell(
        'left',
        name,
        'can not be made anew: what it tells of is no longer whole in the log. A start of a broker goes by what is there'
      )
      this.whole = false
      return
    }
    // Also of a log that lost its beginning: of a transaction that began before, readers only meet what is still here.
    await this.#step('rebuild', name, `${entries.length} aborted transactions, from the log`, () =>
      buildTransactionIndex(path.join(this.#folder, offsetName(base)), entries)
    )
  }

  /** Snapshots, and indexes that belong to no log; what else is damaged is told. */
  async #rest(): Promise<void> {
    const logs = new Set(this.#bases)
    for (const name of this.#damaged) {
      const file = parseSegmentFile(name)
      const orphan = file !== undefined && file.suffix !== LOG_SUFFIX && file.suffix !== SNAPSHOT_SUFFIX && !logs.has(file.offset)
      if (file?.suffix === SNAPSHOT_SUFFIX || orphan) {
        await this.#step('set-aside', name, orphan ? 'there is no log beside it' : 'a start makes it anew from the log', async () => {
          await setAside(path.join(this.#folder, name), UNREADABLE_SUFFIX)
        })
      } else if (file === undefined) {
        this.#tell('left', name, 'is damaged; a start of a broker says what it makes of it')
        this.whole = false
      } else if (file.suffix === LOG_SUFFIX && !this.#bad.some((bad) => bad.base === file.offset)) {
        this.#tell('left', name, 'holds whole batches that are not as they should be: sluice log verify tells which')
        this.whole = false
      }
    }
  }

  async #step(action: RepairStep['action'], name: string, message: string, work: () => Promise<void>): Promise<void> {
    this.#tell(action, name, message)
    this.changed = true
    if (!this.#options.dryRun) await work()
  }

  #tell(action: RepairStep['action'], name: string, message: string): void {
    this.#options.tell({ action, file: path.relative(this.#root, path.join(this.#folder, name)), message })
  }
}

async function writeSound(from: string, to: string, base: number): Promise<void> {
  const window = await FileWindow.open(from)
  try {
    const target = await open(to, 'w', 0o644)
    try {
      for await (const piece of walkSegment(window, base)) {
        if (piece.kind === 'bad') continue
        for await (const bytes of window.pieces(piece.position, piece.position + piece.size)) await target.writeFile(bytes)
      }
      await target.datasync()
    } finally {
      await target.close()
    }
  } finally {
    await window.close()
  }
}

/** The same bytes under another name, on the disk before `from` is replaced. An earlier file of that name stays: it fails. */
async function keep(from: string, to: string): Promise<void> {
  if (await exists(to)) throw new StorageError('EEXIST', to, `${to} is there already: name another quarantine folder`)
  try {
    await link(from, to)
  } catch (error) {
    // Another file system, or one without links.
    if (!['EXDEV', 'EPERM', 'EOPNOTSUPP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
  const copy = await open(to, 'r')
  try {
    await copy.sync()
  } finally {
    await copy.close()
  }
  await syncFolder(path.dirname(to))
}
