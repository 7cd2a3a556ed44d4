/** SCRAM credentials of users. They are kept and described; nothing here authenticates with them. */
import { RecordType, type ScramCredential, type ScramRecord } from './records.js'

export class ScramImage {
  // By user, then mechanism.
  readonly #users = new Map<string, Map<number, ScramCredential>>()

  users(): IterableIterator<string> {
    return this.#users.keys()
  }

  /** Undefined: the user has none. */
  of(user: string): ReadonlyMap<number, ScramCredential> | undefined {
    return this.#users.get(user)
  }

  replay(record: ScramRecord): void {
    const { name, mechanism } = record.data
    const known = this.#users.get(name)
    if (record.type === RecordType.removeUserScramCredential) {
      if (known?.delete(mechanism) && known.size === 0) this.#users.delete(name)
      return
    }
    if (known) known.set(mechanism, record.data)
    else this.#users.set(name, new Map([[mechanism, record.data]]))
  }

  *records(): Generator<ScramRecord> {
    for (const credentials of this.#users.values()) {
      for (const data of credentials.values()) yield { type: RecordType.userScramCredential, version: 0, data }
    }
  }
}
