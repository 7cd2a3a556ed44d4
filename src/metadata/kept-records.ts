/**
 * State of the metadata log that this broker does not act on: kept record by record, so that a snapshot loses nothing and a folder given
 * back to Apache Kafka still has its ACLs and tokens.
 */
import { RecordType, type KeptRecord, type UnknownRecord } from './records.js'

const text = (value: unknown): string => JSON.stringify(value)

/** What names the thing that a record sets or removes. */
function keyOf({ type, data }: KeptRecord): string {
  switch (type) {
    case RecordType.delegationToken:
    case RecordType.removeDelegationToken:
      return `token ${text(data['tokenId'])}`
    case RecordType.accessControlEntry:
    case RecordType.removeAccessControlEntry:
      return `acl ${text(data['id'])}`
    case RecordType.registerController:
    case RecordType.unregisterController:
      return `controller ${text(data['controllerId'])}`
    case RecordType.zkMigrationState:
      return 'zk migration state'
  }
}

function removes({ type }: KeptRecord): boolean {
  switch (type) {
    case RecordType.removeDelegationToken:
    case RecordType.removeAccessControlEntry:
    case RecordType.unregisterController:
      return true
    default:
      return false
  }
}

export class KeptRecords {
  readonly #byKey = new Map<string, KeptRecord>()
  // What a later Kafka's record means is not known, so neither is which one it replaces: all stay, in their order.
  readonly #unknown: UnknownRecord[] = []

  replay(record: KeptRecord): void {
    const key = keyOf(record)
    if (removes(record)) this.#byKey.delete(key)
    else this.#byKey.set(key, record)
  }

  replayUnknown(record: UnknownRecord): void {
    this.#unknown.push(record)
  }

  *records(): Generator<KeptRecord | UnknownRecord> {
    yield* this.#byKey.values()
    yield* this.#unknown
  }
}
