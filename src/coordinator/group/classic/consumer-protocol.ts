/** The one thing a broker reads of the consumers' embedded protocol: the topics of a ConsumerProtocolSubscription. */
import { Buffer } from 'node:buffer'

/**
 * The topics that members with these subscriptions have; undefined if one cannot be read. Every version begins alike: int16 version, then
 * an array of strings. Later versions only append fields, so that an unknown one is readable, too.
 */
export function subscribedTopicsOf(subscriptions: readonly Uint8Array[]): ReadonlySet<string> | undefined {
  const topics = new Set<string>()
  for (const subscription of subscriptions) if (!readTopics(subscription, topics)) return undefined
  return topics
}

function readTopics(bytes: Uint8Array, into: Set<string>): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 6 || view.getInt16(0) < 0) return false
  const count = view.getInt32(2)
  let at = 6
  if (count < 0 || count * 2 > bytes.length - at) return false
  for (let n = 0; n < count; n++) {
    if (at + 2 > bytes.length) return false
    const length = view.getInt16(at)
    at += 2
    if (length < 0 || at + length > bytes.length) return false
    into.add(Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8'))
    at += length
  }
  return true
}
