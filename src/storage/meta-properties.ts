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
const OLD_VERSION = '0'
const INTEGER = /^[+-]?\d+$/
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

/** What the file says, if it can be read at all. */
export interface WrittenProperties {
  readonly file: string
  /** Undefined, as the node's id: it is of version 0, by a Kafka with ZooKeeper, which need not have written them. */
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
  readonly directoryId: string | undefined
}

/** Undefined: there is no such file. Throws a ConfigError when it is of another kind than ours. */
export async function readMetaProperties(dir: string): Promise<MetaProperties | undefined> {
  const written = await readWrittenProperties(dir)
  return written && metaPropertiesOf(written)
}

/** Undefined: there is no such file. Throws a ConfigError when it can't be read. */
export async function readWrittenProperties(dir: string): Promise<WrittenProperties | undefined> {
  const file = path.join(dir, META_PROPERTIES_FILE)
  const text = await readIfThere(file)
  if (text === undefined) return undefined
  const properties = parseProperties(text, file)
  const value = (name: string): string | undefined => properties.get(name)?.trim()
  const version = value('version') ?? OLD_VERSION
  if (version !== VERSION && version !== OLD_VERSION)
    throw new ConfigError('log.dirs', `${file}: version is ${version}, only ${OLD_VERSION} and ${VERSION} are known`)
  const name = version === OLD_VERSION ? 'broker.id' : 'node.id'
  const id = value(name)
  if (id === undefined ? version === VERSION : !INTEGER.test(id))
    throw new ConfigError('log.dirs', `${file}: ${name} is missing or no number`)
  const clusterId = value('cluster.id')
  if (!clusterId && version === VERSION) throw new ConfigError('log.dirs', `${file}: cluster.id is missing`)
  const directoryId = value('directory.id')
  if (directoryId !== undefined && !UUID.test(directoryId))
    throw new ConfigError('log.dirs', `${file}: directory.id is no id: ${directoryId}`)
  return { file, clusterId, nodeId: id === undefined ? undefined : Number(id), directoryId }
}

/** Throws a ConfigError when what is written is not what a node of a cluster can have. */
export function metaPropertiesOf({ file, clusterId, nodeId, directoryId }: WrittenProperties): MetaProperties {
  if (!clusterId) throw new ConfigError('log.dirs', `${file}: cluster.id is missing`)
  if (nodeId === undefined) throw new ConfigError('log.dirs', `${file}: broker.id is missing`)
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
