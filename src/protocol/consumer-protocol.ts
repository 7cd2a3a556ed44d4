/**
 * What consumers of the classic protocol put into JoinGroup and SyncGroup (Kafka's embedded consumer protocol): an int16 version, then the message.
 * A broker reads it only where members of the classic and of the consumer protocol are in one group.
 */
import { WireError } from '../errors.js'
import { decode, encode } from './compile.js'
import { Reader } from './reader.js'
import { array, bytes, int32, message, string, struct, type MessageOf } from './schema.js'
import { Writer } from './writer.js'

const topicPartitionsFields = { topic: string(), partitions: array(int32()) }

const subscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  fields: {
    topics: array(string()),
    userData: bytes({ absent: null, nullable: 0 }),
    ownedPartitions: array(struct(topicPartitionsFields), { since: 1, ignorable: true }),
    generationId: int32({ since: 2, absent: -1, ignorable: true }),
    rackId: string({ since: 3, absent: null, nullable: 3, ignorable: true })
  }
})

const assignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  fields: {
    assignedPartitions: array(struct(topicPartitionsFields)),
    userData: bytes({ absent: null, nullable: 0 })
  }
})

export type ConsumerSubscription = MessageOf<typeof subscription>
export type ConsumerAssignment = MessageOf<typeof assignment>

/** Throws a WireError. Later versions only append fields: they are read as the last that is known. */
export function readSubscription(metadata: Uint8Array): ConsumerSubscription {
  const { reader, version } = open(metadata)
  return decode(subscription, version, reader)
}

/** Of no bytes, which a member has that was assigned nothing: no partitions. Throws a WireError. */
export function readAssignment(content: Uint8Array): ConsumerAssignment {
  if (content.length === 0) return { assignedPartitions: [], userData: null }
  const { reader, version } = open(content)
  return decode(assignment, version, reader)
}

/** In the version of the member's subscription, which it understands. */
export function writeAssignment(assignedPartitions: ConsumerAssignment['assignedPartitions'], metadata: Uint8Array): Buffer {
  const { version } = open(metadata)
  const writer = new Writer()
  writer.int16(version)
  encode(assignment, version, writer, { assignedPartitions, userData: null })
  return writer.toBuffer()
}

function open(content: Uint8Array): { reader: Reader; version: number } {
  const reader = new Reader(Buffer.from(content.buffer, content.byteOffset, content.byteLength))
  const version = reader.int16()
  if (version < 0) throw new WireError(`embedded consumer protocol of version ${version}`)
  return { reader, version: Math.min(version, 3) }
}
