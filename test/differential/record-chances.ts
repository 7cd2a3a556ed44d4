/** Names and places that requests of records give by chance. */
import type { RecordState } from './record-side.js'
import type { Choice } from './rounds.js'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

export type Ref<T = string> = (state: RecordState) => T

export const anyTopic = (choice: Choice): Ref =>
  choice.of<Ref>(
    ({ topic }) => topic,
    ({ topic }) => topic,
    ({ topic }) => topic,
    ({ compacted }) => compacted,
    ({ stamped }) => stamped,
    ({ small }) => small,
    ({ strict }) => strict,
    () => 'no-such-topic',
    () => '__consumer_offsets'
  )
export const anyPartition = (choice: Choice): number => choice.of(0, 0, 0, 0, 1, 1, 2, -1)

/** Of the transaction: the right one, or of another epoch, or another. */
export const anyProducer = (choice: Choice): Ref<{ readonly name: string; readonly id: number; readonly epoch: number }> => {
  const [ahead, others] = [choice.of(0, 0, 0, 1, 1, 2, -1), choice.of(0, 0, 0, 0, 1)]
  return ({ transactional: { name, id, epoch } }) => ({ name, id: id + others * 1000, epoch: epoch + ahead })
}

/** A topic that is not there has an id that none has. */
export function idOf({ ids }: RecordState, name: string): string {
  return ids.get(name) ?? UNKNOWN_ID
}

/** What a list holds once or twice. */
export function some<T>(choice: Choice, one: () => T): T[] {
  return choice.of(
    () => [one()],
    () => [one()],
    () => [one()],
    () => [one(), one()]
  )()
}

/** Without those of which there was one before: where a partition is written to twice, Kafka forgets the first. */
export function distinct<T>(all: readonly T[], key: (one: T) => string | number): T[] {
  return [...new Map(all.map((one) => [key(one), one])).values()]
}
