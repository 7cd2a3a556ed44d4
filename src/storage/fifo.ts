/** First in, first out. `Array.shift` moves all that follow once there are some 50,000: who appends without waiting has more under way. */
const SHORT = 1024

export class Fifo<T> {
  #items: (T | undefined)[] = []
  /** Of the first that is there. */
  #at = 0

  get first(): T | undefined {
    return this.#items[this.#at]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Undefined: it is empty. */
  shift(): T | undefined {
    if (this.#at === 0 && this.#items.length <= SHORT) return this.#items.shift()
    const item = this.#items[this.#at]
    this.#items[this.#at++] = undefined
    if (this.#at * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#at)
      this.#at = 0
    }
    return item
  }

  find(wanted: (item: T) => boolean): T | undefined {
    return this.#items.find((item) => item !== undefined && wanted(item))
  }
}
