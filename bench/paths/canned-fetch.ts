/**
 * A Kafka server's answers without a broker behind them, for Node's own idioms: what a client asks before it fetches, and the bytes around the
 * records of a Fetch. The Fetch path is by hand, so that the idioms are compared and not a codec.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { encode } from '../../src/protocol/compile.js'
import { responseHeader, responseHeaderVersion } from '../../src/protocol/header.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.js'
import type { Api } from '../../src/protocol/api.js'
import type { InputOf } from '../../src/protocol/schema.js'
import { Writer } from '../../src/protocol/writer.js'

const BATCH_HEADER_BYTES = 61
const FETCH = 1
const PARTITIONS = 256
const LENGTH_BYTES = 4
/** Of an answer, from the correlation id to the length of the records, without the topic's name. */
const FETCH_HEAD_BYTES = 58

/** A segment whose batches are all of one size and record count: an offset is a position by division. */
export class UniformSegment {
  readonly path: string
  readonly fd: number
  readonly firstOffset: number
  readonly endOffset: number
  readonly #bytes: number
  readonly #batchBytes: number
  readonly #batchRecords: number

  /** Throws when the file can not be read or is not uniform. */
  constructor(path: string) {
    this.path = path
    this.fd = openSync(path, 'r')
    const first = this.#header(0)
    this.firstOffset = Number(first.readBigInt64BE(0))
    this.#batchBytes = 12 + first.readInt32BE(8)
    this.#batchRecords = first.readInt32BE(57)
    const batches = Math.floor(fstatSync(this.fd).size / this.#batchBytes)
    this.#bytes = batches * this.#batchBytes
    this.endOffset = this.firstOffset + batches * this.#batchRecords
    const last = this.#header(this.#bytes - this.#batchBytes)
    if (this.#batchRecords < 1 || Number(last.readBigInt64BE(0)) !== this.endOffset - this.#batchRecords) {
      closeSync(this.fd)
      throw new Error(`${path}: its batches are not all of one size`)
    }
  }

  /** Where the answer to a fetch lies: at least a whole batch, and a last one may be cut, as brokers do. */
  locate(offset: number, maxBytes: number): { position: number; length: number } {
    const position = Math.floor((offset - this.firstOffset) / this.#batchRecords) * this.#batchBytes
    return { position, length: Math.max(0, Math.min(this.#bytes - position, Math.max(maxBytes, this.#batchBytes))) }
  }

  #header(position: number): Buffer {
    const header = Buffer.alloc(BATCH_HEADER_BYTES)
    if (position < 0 || readSync(this.fd, header, 0, header.length, position) < header.length) {
      throw new Error(`${this.path} holds no record batch`)
    }
    return header
  }
}

export interface FetchRequest {
  readonly correlationId: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

/** Reads the one partition of a Fetch version 12; `frame` is without its length. undefined: another API. */
export function readFetch(frame: Buffer): FetchRequest | undefined {
  if (frame.readInt16BE(0) !== FETCH) return undefined
  if (frame.readInt16BE(2) !== 12) throw new Error('only Fetch version 12 is canned')
  // Behind the client id: an empty tag section, then replica, waiting time, two sizes, isolation level and session.
  let at = 10 + frame.readInt16BE(8) + 1 + 25
  const topicBytes = frame[at + 1]! - 1
  const topic = frame.toString('latin1', at + 2, at + 2 + topicBytes)
  at += 2 + topicBytes + 1
  return {
    correlationId: frame.readInt32BE(4),
    topic,
    partition: frame.readInt32BE(at),
    offset: frame.readUInt32BE(at + 8) * 2 ** 32 + frame.readUInt32BE(at + 12),
    maxBytes: frame.readInt32BE(at + 28)
  }
}

/** What stands behind the records: empty tag sections of partition, topic and answer. */
export const FETCH_TAIL = Buffer.alloc(3)

/** A Fetch answer up to its records, with the length prefix of the whole. */
export function fetchHead(request: FetchRequest, recordsBytes: number, endOffset: number): Buffer {
  const topicBytes = request.topic.length
  const head = Buffer.allocUnsafe(LENGTH_BYTES + FETCH_HEAD_BYTES + topicBytes)
  let at = head.writeInt32BE(head.length - LENGTH_BYTES + recordsBytes + FETCH_TAIL.length, 0)
  at = head.writeInt32BE(request.correlationId, at)
  at = head.writeUInt8(0, at)
  at = head.writeInt32BE(0, at)
  at = head.writeInt16BE(0, at)
  at = head.writeInt32BE(0, at)
  at = head.writeUInt8(2, at)
  at = head.writeUInt8(topicBytes + 1, at)
  at += head.write(request.topic, at, 'latin1')
  at = head.writeUInt8(2, at)
  at = head.writeInt32BE(request.partition, at)
  at = head.writeInt16BE(0, at)
  at = head.writeBigInt64BE(BigInt(endOffset), at)
  at = head.writeBigInt64BE(BigInt(endOffset), at)
  at = head.writeBigInt64BE(0n, at)
  at = head.writeUInt8(0, at)
  at = head.writeInt32BE(-1, at)
  writePaddedVarint(head, recordsBytes + 1, at)
  return head
}

// Always five bytes: leading zeros are legal, and the head has one length.
function writePaddedVarint(into: Buffer, value: number, at: number): void {
  for (let byte = 0; byte < 4; byte++) into[at + byte] = ((value >>> (7 * byte)) & 0x7f) | 0x80
  into[at + 4] = (value >>> 28) & 0x0f
}

/** The answer to what a client asks before it fetches. Throws for another request. */
export function answerOther(frame: Buffer, segment: UniformSegment, port: number): Buffer {
  const key = frame.readInt16BE(0)
  const correlationId = frame.readInt32BE(4)
  if (key === apiVersions.key) {
    return answer(apiVersions, 0, correlationId, {
      errorCode: 0,
      apiKeys: [
        { apiKey: FETCH, minVersion: 12, maxVersion: 12 },
        { apiKey: listOffsets.key, minVersion: 6, maxVersion: 6 },
        { apiKey: metadata.key, minVersion: 12, maxVersion: 12 },
        { apiKey: apiVersions.key, minVersion: 0, maxVersion: 0 }
      ]
    })
  }
  const at = 10 + frame.readInt16BE(8) + 1
  if (key === metadata.key) {
    // One topic: behind the array's length and the topic id.
    const name = textAt(frame, at + 1 + 16)
    return answer(metadata, 12, correlationId, {
      brokers: [{ nodeId: 1, host: '127.0.0.1', port, rack: null }],
      clusterId: 'canned',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name,
          partitions: Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
            errorCode: 0,
            partitionIndex,
            leaderId: 1,
            replicaNodes: [1],
            isrNodes: [1],
            offlineReplicas: []
          }))
        }
      ]
    })
  }
  if (key === listOffsets.key) {
    const topicAt = at + 4 + 1 + 1
    const name = textAt(frame, topicAt)
    const partitionAt = topicAt + 1 + name.length + 1
    const wanted = frame.readInt32BE(partitionAt + 12)
    const offset = wanted === -2 ? segment.firstOffset : segment.endOffset
    return answer(listOffsets, 6, correlationId, {
      topics: [{ name, partitions: [{ partitionIndex: frame.readInt32BE(partitionAt), errorCode: 0, timestamp: -1, offset }] }]
    })
  }
  throw new Error(`API ${key} is not canned`)
}

function textAt(frame: Buffer, at: number): string {
  return frame.toString('latin1', at + 1, at + frame[at]!)
}

function answer<A extends Api>(api: A, version: number, correlationId: number, body: InputOf<A['response']>): Buffer {
  const writer = new Writer()
  encode(responseHeader, responseHeaderVersion(api, version), writer, { correlationId })
  encode(api.response, version, writer, body)
  const bytes = writer.toBuffer()
  const frame = Buffer.alloc(LENGTH_BYTES + bytes.length)
  frame.writeInt32BE(bytes.length, 0)
  frame.set(bytes, LENGTH_BYTES)
  return frame
}
