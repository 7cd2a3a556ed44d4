/** Kafka's checkpoint files: text, one entry a line, behind a version and a count. */
import { WireError } from '../errors.js'
import { readIfThere, writeDurably } from './files.js'
import { partitionFolder } from './names.js'

const VERSION = 0

/** An offset per partition; the key is `topic-partition`. */
export type OffsetCheckpoint = Map<string, number>

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/** A missing file is an empty one. Throws a WireError when it is malformed. */
export async function readOffsetCheckpoint(file: string): Promise<OffsetCheckpoint> {
  const offsets: OffsetCheckpoint = new Map()
  for (const words of parse(await readIfThere(file), 3, file)) {
    offsets.set(partitionFolder(words[0]!, integer(words[1]!, file)), integer(words[2]!, file))
  }
  return offsets
}

export async function writeOffsetCheckpoint(file: string, entries: readonly PartitionOffset[]): Promise<void> {
  await writeDurably(file, render(entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`)))
}

export async function readEpochCheckpoint(file: string): Promise<EpochStart[]> {
  return parseEpochCheckpoint(await readIfThere(file), file)
}

/** `text` as `file` holds it; undefined: there is none. Throws a WireError when it is malformed. */
export function parseEpochCheckpoint(text: string | undefined, file: string): EpochStart[] {
  return parse(text, 2, file).map((words) => ({
    epoch: integer(words[0]!, file),
    startOffset: integer(words[1]!, file)
  }))
}

export async function writeEpochCheckpoint(file: string, entries: readonly EpochStart[]): Promise<void> {
  await writeDurably(file, renderEpochCheckpoint(entries))
}

export function renderEpochCheckpoint(entries: readonly EpochStart[]): string {
  return render(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`))
}

function render(lines: readonly string[]): string {
  return [String(VERSION), String(lines.length), ...lines, ''].join('\n')
}

function parse(text: string | undefined, words: number, file: string): string[][] {
  if (text === undefined || text === '') return []
  const lines = text.split('\n')
  if (integer(lines[0]!, file) !== VERSION) throw new WireError(`${file}: unknown version ${lines[0]}`)
  const count = integer(lines[1] ?? '', file)
  const entries = lines.slice(2).filter((line) => line !== '')
  if (entries.length !== count) throw new WireError(`${file}: ${count} entries announced, ${entries.length} there`)
  return entries.map((line) => {
    const parts = line.split(/\s+/)
    if (parts.length !== words) throw new WireError(`${file}: malformed line ${JSON.stringify(line)}`)
    return parts
  })
}

function integer(text: string, file: string): number {
  const value = Number(text)
  if (!/^-?\d+$/.test(text.trim()) || !Number.isSafeInteger(value)) throw new WireError(`${file}: not a number: ${JSON.stringify(text)}`)
  return value
}
