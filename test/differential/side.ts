/** One of the two brokers that are compared. */
import type { Api } from '../../src/protocol/api.js'
import { presence, type Field, type Fields } from '../../src/protocol/schema.js'
import type { Session } from '../takeover/session.js'
import { Closed, NoAnswer, RawClient } from '../support/raw-client.js'

export const CLOSED = 'closed'
export const SILENCE = 'no answer'
export type Answer = object | typeof CLOSED | typeof SILENCE

const PATIENCE_MS = 5000

/** `S`: what requests refer to: names that both brokers share, ids that each has its own of. */
export abstract class Side<S> {
  readonly session: Session
  readonly #address: { readonly host: string; readonly port: number }
  #client: RawClient | undefined

  constructor(session: Session, address: { readonly host: string; readonly port: number }) {
    this.session = session
    this.#address = address
  }

  /** What the requests of a round may refer to and change. */
  abstract make(round: string): Promise<S>

  /** What must be the same on both sides, and after a request that fails. */
  abstract snapshot(state: S): Promise<unknown>

  /** What is compared of an answer: not what a broker may word, name or count as it likes. */
  abstract told(state: S, answer: Answer): string

  /** The answer, or that there is none. A request has its own connection where the one before has lost it. */
  async ask(api: Api, version: number, body: object): Promise<Answer> {
    if (this.#client === undefined || this.#client.closed) {
      this.#client = await RawClient.connect(this.#address, { patienceMs: PATIENCE_MS })
    }
    try {
      return await this.#client.request(api, version, fitted(api.request.fields, version, body) as never)
    } catch (error) {
      if (error instanceof Closed) return CLOSED
      if (!(error instanceof NoAnswer)) throw error
      this.#client.close()
      this.#client = undefined
      return SILENCE
    }
  }

  close(): void {
    this.#client?.close()
    this.session.close()
  }
}

/** The fields of a body that a version has. */
function fitted(fields: Fields, version: number, body: object): object {
  const given = Object.entries(body).filter(([name]) => fields[name] && presence(fields[name], version).sent)
  return Object.fromEntries(given.map(([name, value]) => [name, fittedValue(fields[name]!, version, value)]))
}

function fittedValue(field: Field, version: number, value: unknown): unknown {
  if (field.type === 'array' && Array.isArray(value)) return value.map((each) => fittedValue(field.of!, version, each))
  return field.type === 'struct' && value !== null ? fitted(field.fields!, version, value as object) : value
}

/** One for each partition, of what only says (by `names`) which topic its partitions belong to. */
export function flattened(value: unknown, partitions: ReadonlySet<string>, names: ReadonlySet<string>): unknown[] {
  if (typeof value !== 'object' || value === null) return [value]
  const fields = Object.entries(value)
  const list = fields.find(([name]) => partitions.has(name))?.[1] as object[] | undefined
  if (list === undefined || !fields.every(([name]) => partitions.has(name) || names.has(name))) return [value]
  return list.map((partition) => ({ ...Object.fromEntries(fields.filter(([name]) => names.has(name))), ...partition }))
}
