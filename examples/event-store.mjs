/**
 * An event-sourced store: every change is an event in a log, the state is folded from the events, and a change that was decided on an old
 * state is refused.
 *
 *   node examples/event-store.mjs FOLDER deposit alice 30
 *   node examples/event-store.mjs FOLDER withdraw alice 10
 *   node examples/event-store.mjs FOLDER show
 */
import { fileURLToPath } from 'node:url'
import { LogDirectory } from 'sluice/storage'

/** The accounts, as the events made them. */
class Accounts {
  #balances = new Map()
  #versions = new Map()

  balance(name) {
    return this.#balances.get(name) ?? 0
  }

  /** How many events an account has: what a decision is bound to. */
  version(name) {
    return this.#versions.get(name) ?? 0
  }

  apply({ name, amount }) {
    this.#balances.set(name, this.balance(name) + amount)
    this.#versions.set(name, this.version(name) + 1)
  }

  *[Symbol.iterator]() {
    yield* this.#balances
  }
}

export class EventStore {
  #directory
  #log
  #appending = Promise.resolve()
  accounts = new Accounts()

  static async open(folder) {
    const store = new EventStore()
    store.#directory = await LogDirectory.open(folder)
    // Every event is on the disk before it counts; all are kept.
    store.#log = await store.#directory.log('events', { settings: { 'flush.messages': '1', 'retention.ms': '-1' } })
    for await (const { key, value } of store.#log.records()) store.accounts.apply(read(key, value))
    return store
  }

  /** Appends an event if the account is still at `version`. */
  record(event, version) {
    const appended = this.#appending.then(async () => {
      if (this.accounts.version(event.name) !== version) throw new Error(`${event.name} was changed meanwhile`)
      await this.#log.append({ key: Buffer.from(event.name), value: Buffer.from(JSON.stringify({ amount: event.amount })) })
      this.accounts.apply(event)
    })
    this.#appending = appended.catch(() => {})
    return appended
  }

  async change(name, amount) {
    const version = this.accounts.version(name)
    if (this.accounts.balance(name) + amount < 0) throw new Error(`${name} has only ${this.accounts.balance(name)}`)
    await this.record({ name, amount }, version)
  }

  close() {
    return this.#directory.close()
  }
}

function read(key, value) {
  return { name: key.toString(), amount: JSON.parse(value.toString()).amount }
}

async function main([folder, command, name, amount]) {
  const store = await EventStore.open(folder)
  try {
    if (command === 'deposit') await store.change(name, Number(amount))
    else if (command === 'withdraw') await store.change(name, -Number(amount))
    else if (command !== 'show') throw new Error(`what is ${command}?`)
    for (const [account, balance] of store.accounts) console.log(`${account} ${balance}`)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  } finally {
    await store.close()
  }
}

if (fileURLToPath(import.meta.url) === process.argv[1]) {
  if (process.argv.length < 4) {
    console.error('usage: node examples/event-store.mjs FOLDER deposit|withdraw NAME AMOUNT | show')
    process.exitCode = 2
  } else {
    await main(process.argv.slice(2))
  }
}
