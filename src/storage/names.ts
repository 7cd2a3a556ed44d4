/** How files and folders of a log are called. */

export const LOG_SUFFIX = '.log'
export const INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const TXN_INDEX_SUFFIX = '.txnindex'
export const SNAPSHOT_SUFFIX = '.snapshot'
export const DELETED_SUFFIX = '.deleted'
export const CLEANED_SUFFIX = '.cleaned'
export const SWAP_SUFFIX = '.swap'
export const DELETE_FOLDER_SUFFIX = '-delete'
export const FUTURE_FOLDER_SUFFIX = '-future'
export const STRAY_FOLDER_SUFFIX = '-stray'

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint'
export const PARTITION_METADATA_FILE = 'partition.metadata'
export const META_PROPERTIES_FILE = 'meta.properties'
export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint'
export const LOG_START_FILE = 'log-start-offset-checkpoint'
export const CLEANER_OFFSET_FILE = 'cleaner-offset-checkpoint'
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'
export const LOCK_FILE = '.lock'

const SEGMENT_FILE = /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/
const PARTITION_FOLDER = /^([a-zA-Z0-9._-]+)-(\d{1,10})$/
const DELETED_FOLDER = /^.+\.[0-9a-f]{32}-delete$/
const FUTURE_FOLDER = /^([a-zA-Z0-9._-]+)-(\d{1,10})\.[0-9a-f]{32}-future$/
const MAX_NAME_BYTES = 255

export interface SegmentFileName {
  readonly offset: number
  readonly suffix: string
  /** '', '.deleted', '.cleaned' or '.swap' */
  readonly state: string
}

/** As path.join, of a path that needs no normalizing: to find that out takes as long as anything else that a start does for a log. */
export function pathIn(folder: string, name: string): string {
  return `${folder}/${name}`
}

/** 20 digits, so that names sort as offsets do. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, '0')
}

/** Undefined: not a file of a segment, and none of ours to touch. */
export function parseSegmentFile(name: string): SegmentFileName | undefined {
  const match = SEGMENT_FILE.exec(name)
  if (!match) return undefined
  const offset = Number(match[1])
  return Number.isSafeInteger(offset) ? { offset, suffix: match[2]!, state: match[3] ?? '' } : undefined
}

export function partitionFolder(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** Undefined: the folder of no partition. */
export function parsePartitionFolder(name: string): { topic: string; partition: number } | undefined {
  if (isDeletedFolder(name)) return undefined
  return partitionOf(PARTITION_FOLDER.exec(name))
}

/** Undefined: not the folder of a copy that is to take a partition's place. */
export function parseFutureFolder(name: string): { topic: string; partition: number } | undefined {
  return partitionOf(FUTURE_FOLDER.exec(name))
}

function partitionOf(match: RegExpExecArray | null): { topic: string; partition: number } | undefined {
  if (!match) return undefined
  const partition = Number(match[2])
  // A name must lead back to itself: "t-007" is not partition 7 of "t".
  return String(partition) === match[2] && partition <= 0x7fffffff ? { topic: match[1]!, partition } : undefined
}

/** `topic-partition.uuid-delete`: what a deleted partition's folder is renamed to. `unique` has 32 hexadecimal digits. */
export function deletedFolder(topic: string, partition: number, unique: string): string {
  return cutName(topic, `-${partition}.${unique}${DELETE_FOLDER_SUFFIX}`)
}

/** `topic-partition.uuid-stray`: a partition's folder that is not the one in use, which nobody deletes. */
export function strayFolder(topic: string, partition: number, unique: string): string {
  return cutName(topic, `-${partition}.${unique}${STRAY_FOLDER_SUFFIX}`)
}

/** `topic-partition.uuid-future`: a copy on its way; undefined when the topic's name is too long for that. */
export function futureFolder(topic: string, partition: number, unique: string): string | undefined {
  const name = `${topic}-${partition}.${unique}${FUTURE_FOLDER_SUFFIX}`
  return name.length > MAX_NAME_BYTES ? undefined : name
}

function cutName(topic: string, tail: string): string {
  return topic.slice(0, MAX_NAME_BYTES - tail.length) + tail
}

export function isDeletedFolder(name: string): boolean {
  return DELETED_FOLDER.test(name)
}
