/** ConsumerProtocolSubscription v1, as a client of the classic protocol sends it. */
import { Writer } from '../../../src/protocol/writer.js'

export function classicSubscription(
  topics: readonly string[],
  owned: readonly { topic: string; partitions: readonly number[] }[]
): Uint8Array {
  const writer = new Writer()
  const text = (value: string): void => {
    writer.int16(value.length)
    for (const byte of Buffer.from(value)) writer.int8(byte)
  }
  writer.int16(1)
  writer.int32(topics.length)
  for (const topic of topics) text(topic)
  writer.int32(-1)
  writer.int32(owned.length)
  for (const { topic, partitions } of owned) {
    text(topic)
    writer.int32(partitions.length)
    for (const partition of partitions) writer.int32(partition)
  }
  return writer.toBuffer()
}
