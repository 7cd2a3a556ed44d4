/** Topics that a test makes, grows and deletes. A topic's id is its name, filled up to 22 characters. */
import type { GroupTopic, GroupTopics } from '../../../src/coordinator/group/group-topics.js'
import { topicHash } from '../../../src/coordinator/group/metadata-hash.js'

export class SimTopics implements GroupTopics {
  readonly #topics = new Map<string, GroupTopic>()
  version = 1
  createdVersion = 1

  set(name: string, partitions: number): void {
    this.version++
    if (!this.#topics.has(name)) this.createdVersion = this.version
    this.#topics.set(name, {
      name,
      id: idOf(name),
      partitions,
      hash: topicHash({ name, id: idOf(name), racks: Array.from({ length: partitions }, () => []) })
    })
  }

  delete(name: string): void {
    this.version++
    this.#topics.delete(name)
  }

  byName(name: string): GroupTopic | undefined {
    return this.#topics.get(name)
  }

  byId(id: string): GroupTopic | undefined {
    return this.#topics.get(nameOfId(id))
  }

  names(): Iterable<string> {
    return this.#topics.keys()
  }
}

/** The last character of an id holds only two bits. */
export function idOf(name: string): string {
  return `${name.padEnd(21, '_')}w`
}

export function nameOfId(id: string): string {
  return id.slice(0, 21).replace(/_+$/, '')
}
