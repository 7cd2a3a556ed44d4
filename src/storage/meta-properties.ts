/** `meta.properties`: whose data a log directory holds. */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { parseProperties } from '../config/index.js'
import { ConfigError } from '../errors.js'
import { readIfThere, writeDurably } from './files.js'
import { META_PROPERTIES_FILE } from './names.js'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Undefined: written by a Kafka that did not know directory ids. */
  readonly directoryId: string | undefined
}

const VERSION = '1'
const UUID = /^[A-Za-z0-9_-]{22}$/
/** Directory ids below 100 (KIP-858). Sixteen bytes at random never are, but the text must not begin with a dash. */
const RESERVED_IDS = 100
const UUID_BYTES = 16

/** A random id in Kafka's form: 22 characters, not beginning with "-", which tools would take for an option. */
export function randomUuid(): string {
  for (;;) {
    const text = randomBytes(UUID_BYTES).toString('base64url')
    if (!text.startsWith('-')) return text
  }
}

/** Undefined: there is no such file. Throws a ConfigError when it is of another kind than ours. */
export async function readMetaProperties(dir: string): Promise<MetaProperties | undefined> {
  const file = path.join(dir, META_PROPERTIES_FILE)
  const text = await readIfThere(file)
  if (text === undefined) return undefined
  const properties = parseProperties(text, file)
  const value = (name: string): string | undefined => properties.get(name)?.trim()
  const version = value('version')
  if (version !== VERSION) throw new ConfigError('log.dirs', `${file}: version is ${version ?? 'missing'}, only ${VERSION} is known`)
  const clusterId = value('cluster.id')
  const nodeId = Number(value('node.id') ?? Number.NaN)
  if (!clusterId) throw new ConfigError('log.dirs', `${file}: cluster.id is missing`)
  if (!Number.isInteger(nodeId)) throw new ConfigError('log.dirs', `${file}: node.id is missing or no number`)
  const directoryId = value('directory.id')
  if (directoryId !== undefined && !UUID.test(directoryId))
    throw new ConfigError('log.dirs', `${file}: directory.id is no id: ${directoryId}`)
  if (directoryId !== undefined && isReserved(directoryId))
    throw new ConfigError('log.dirs', `${file}: directory.id ${directoryId} is reserved`)
  return { clusterId, nodeId, directoryId }
}

export async function writeMetaProperties(dir: string, meta: MetaProperties): Promise<void> {
  const lines = ['version=' + VERSION, `cluster.id=${escaped(meta.clusterId)}`, `node.id=${meta.nodeId}`]
  if (meta.directoryId !== undefined) lines.push(`directory.id=${meta.directoryId}`)
  await writeDurably(path.join(dir, META_PROPERTIES_FILE), lines.join('\n') + '\n')
}

/** Metadata name no directory by them: `lost`, say, is what stands there of a partition whose directory failed. */
function isReserved(directoryId: string): boolean {
  const bytes = Buffer.from(directoryId, 'base64url')
  return bytes.subarray(0, UUID_BYTES - 1).every((byte) => byte === 0) && bytes[UUID_BYTES - 1]! < RESERVED_IDS
}

/** As Java writes a value: a cluster id may be any text. */
function escaped(value: string): string {
  return value.replaceAll(/[\\:=#!]/g, String.raw`\$&`)
}
