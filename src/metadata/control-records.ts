/** Control records that a raft leader and a snapshot hold. Their values begin with their version. */
import { encode } from '../protocol/compile.js'
import { leaderChangeMessage } from '../protocol/records/data/leader-change-message.js'
import { snapshotFooterRecord } from '../protocol/records/data/snapshot-footer-record.js'
import { snapshotHeaderRecord } from '../protocol/records/data/snapshot-header-record.js'
import type { InputOf, MessageSchema } from '../protocol/schema.js'
import { Writer } from '../protocol/writer.js'
import { buildBatch, type RecordInput } from '../record/builder.js'
import { controlKey, ControlType } from '../record/control.js'
import type { BatchPlace } from './record-codec.js'

function value<M extends MessageSchema>(schema: M, fields: InputOf<M>): Buffer {
  const writer = new Writer()
  encode(schema, 0, writer, fields)
  return writer.toBuffer()
}

/** KIP-595: the first record of each epoch says who leads. Version 0, as Kafka 4.3 writes it. */
export function leaderChange(nodeId: number): RecordInput {
  const voters = [{ voterId: nodeId }]
  return {
    key: controlKey(ControlType.leaderChange),
    value: value(leaderChangeMessage, { version: 0, leaderId: nodeId, voters, grantingVoters: voters })
  }
}

/** KIP-630. `timestamp`: of the last record that the snapshot contains. */
export function snapshotHeader(timestamp: number): RecordInput {
  return {
    key: controlKey(ControlType.snapshotHeader),
    value: value(snapshotHeaderRecord, { version: 0, lastContainedLogTimestamp: timestamp })
  }
}

export function snapshotFooter(): RecordInput {
  return { key: controlKey(ControlType.snapshotFooter), value: value(snapshotFooterRecord, { version: 0 }) }
}

export function controlBatch(records: readonly RecordInput[], { baseOffset, epoch, timestamp }: BatchPlace): Buffer {
  return buildBatch(records, { baseOffset, partitionLeaderEpoch: epoch, timestamp, control: true })
}
