/**
 * What kafka-dump-log.sh shows, of the files of a log: the same lines for the same bytes. A folder stands for all files in it. Nothing is
 * written, no lock is taken: the files of a running broker may be looked at.
 */
import { access, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { WireError } from '../../errors.js'
import { textOf, type DumpEvent } from './dump-events.js'
import { dumpIndex, dumpTimeIndex } from './dump-index.js'
import { dumpLog } from './dump-log.js'
import { dumpProducerSnapshot, dumpTransactionIndex, NAMED_FILES } from './dump-state.js'
import type { RecordDecoder } from './record-decoders.js'

export interface DumpOptions {
  readonly deep: boolean
  readonly decoder: RecordDecoder | undefined
  readonly skipRecordMetadata: boolean
  readonly maxBytes: number | undefined
  readonly maxMessageSize: number
  readonly verifyIndexOnly: boolean
  readonly indexSanityCheck: boolean
  /** An object a line instead of Kafka's text. */
  readonly json: boolean
}

/** A line without its end. False: nobody reads on, and the dump ends. */
export interface DumpOutput {
  readonly line: (text: string) => Promise<boolean> | boolean
  readonly error: (text: string) => void
}

const COMPLAINTS = {
  index: 'Mismatches in :',
  notFound: 'The following indexed offsets are not found in :',
  outOfOrder: 'Found out of order timestamp in :',
  timestamps: 'Found timestamp mismatch in :',
  gaps: 'Non-consecutive offsets in '
} as const

/** What is told at the end, kind by kind and file by file, as Kafka's tool does. */
class Complaints {
  readonly #lines = new Map<string, string[]>()

  add(kind: keyof typeof COMPLAINTS, file: string, text: string): void {
    const title = `${COMPLAINTS[kind]}${path.resolve(file)}`
    const lines = this.#lines.get(title)
    if (lines === undefined) this.#lines.set(title, [text])
    else lines.push(text)
  }

  lines(): string[] {
    return Object.values(COMPLAINTS).flatMap((kind) =>
      [...this.#lines].flatMap(([title, lines]) => (title.startsWith(kind) ? [title, ...lines] : []))
    )
  }
}

/** True: every file could be read to its end. What a file holds wrong is told through `output.error`. */
export async function dump(paths: readonly string[], options: DumpOptions, output: DumpOutput): Promise<boolean> {
  const complaints = new Complaints()
  let whole = true
  for (const file of await filesOf(paths)) {
    try {
      const events = eventsOf(file, options, complaints)
      if (!options.json && !(await output.line(textOf({ type: 'file', file })))) return whole
      if (events === undefined) {
        await access(file)
        output.error(`Ignoring unknown file ${file}`)
        continue
      }
      for await (const event of events) {
        const text = options.json ? JSON.stringify({ file, ...event }) : textOf(event)
        if (!(await output.line(text))) return whole
      }
    } catch (error) {
      if (!(error instanceof WireError) && (error as NodeJS.ErrnoException).code === undefined) throw error
      whole = false
      output.error(`${file}: ${(error as Error).message}`)
    }
  }
  for (const line of complaints.lines()) output.error(line)
  return whole
}

/** Files as they are named; of a folder its files, by name. */
async function filesOf(paths: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const one of paths) {
    const found = await stat(one).catch(() => undefined)
    if (found?.isDirectory() !== true) {
      files.push(one)
      continue
    }
    const entries = await readdir(one, { withFileTypes: true })
    files.push(
      ...entries
        .filter((entry) => entry.isFile() && isKnown(entry.name))
        .map((entry) => path.join(one, entry.name))
        .toSorted()
    )
  }
  return files
}

const KNOWN_ENDS = new Set(['.log', '.checkpoint', '.index', '.timeindex', '.snapshot', '.txnindex'])

function isKnown(name: string): boolean {
  return KNOWN_ENDS.has(path.extname(name)) || NAMED_FILES.has(name)
}

function eventsOf(file: string, options: DumpOptions, complaints: Complaints): AsyncGenerator<DumpEvent> | undefined {
  const { verifyIndexOnly: verifyOnly, indexSanityCheck: sanityOnly, maxMessageSize } = options
  const offsets = {
    sanityOnly,
    verifyOnly,
    maxMessageSize,
    mismatch: (index: number, log: number) => complaints.add('index', file, `  Index offset: ${index}, log offset: ${log}`)
  }
  switch (path.extname(file)) {
    case '.log':
    case '.checkpoint':
      return dumpLog(file, {
        ...options,
        gap: (before, offset) => complaints.add('gaps', file, `  ${before} is followed by ${offset}`)
      })
    case '.index':
      return dumpIndex(file, offsets)
    case '.timeindex':
      return dumpTimeIndex(file, offsets, {
        notFound: (index, log) => complaints.add('notFound', file, `Indexed offset: ${index}, found log offset: ${log}`),
        outOfOrder: (now, before) =>
          complaints.add('outOfOrder', file, `  Index timestamp: ${now}, Previously indexed timestamp: ${before}`),
        mismatch: (index, log) => complaints.add('timestamps', file, `  Index timestamp: ${index}, log timestamp: ${log}`)
      })
    case '.snapshot':
      return dumpProducerSnapshot(file)
    case '.txnindex':
      return dumpTransactionIndex(file)
    default:
      return NAMED_FILES.get(path.basename(file))?.(file)
  }
}
