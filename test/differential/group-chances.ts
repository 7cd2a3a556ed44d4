/** What stands in a field of a request by chance: what is right, stale, foreign, empty or out of bounds. */
import type { State } from './group-side.js'
import type { Choice } from './rounds.js'

export type GroupRef = (state: State) => string
export const anyGroup = (choice: Choice): GroupRef =>
  choice.of<GroupRef>(
    ({ classic }) => classic.group,
    ({ classic }) => classic.group,
    ({ consumer }) => consumer.group,
    () => 'none',
    () => ''
  )
export const anyMember = (choice: Choice): GroupRef =>
  choice.of<GroupRef>(
    ({ classic }) => classic.member,
    ({ classic }) => classic.member,
    ({ consumer }) => consumer.member,
    () => 'stranger',
    () => ''
  )
export const anyGeneration = (choice: Choice): ((state: State) => number) => {
  const off = choice.of(0, 0, 1, -1)
  return choice.of<(state: State) => number>(
    ({ classic }) => classic.generation + off,
    ({ consumer }) => consumer.epoch + off,
    () => -1,
    () => -7
  )
}
export const anyInstance = (choice: Choice): ((state: State) => string | null) =>
  choice.of<(state: State) => string | null>(
    () => null,
    ({ classic }) => classic.instance,
    () => 'foreign',
    () => ''
  )
export const anyTopic = (choice: Choice): GroupRef =>
  choice.of<GroupRef>(
    ({ topic }) => topic,
    ({ topic }) => topic,
    () => 'no-such-topic',
    () => ''
  )
export const anyTopicId = (choice: Choice): GroupRef =>
  choice.of<GroupRef>(
    ({ topicId }) => topicId,
    () => 'AAAAAAAAAAAAAAAAAAAAAA',
    () => 'AAAAAAAAAAAAAAAAAAAAAQ'
  )
export const anyPartition = (choice: Choice): number => choice.of(0, 1, 2, -1)
export const anyMetadata = (choice: Choice): string | null =>
  choice.of<string | null>('', 'm', null, 'x'.repeat(4096), 'x'.repeat(4097), 'ä'.repeat(4096))

export function commitTopics(choice: Choice): (state: State) => object[] {
  const [topic, topicId, partitionIndex, committedMetadata] = [
    anyTopic(choice),
    anyTopicId(choice),
    anyPartition(choice),
    anyMetadata(choice)
  ]
  const committedOffset = choice.of(1, 0, -1, -5)
  const partition = { partitionIndex, committedOffset, committedLeaderEpoch: choice.of(-1, 0, 9), committedMetadata }
  return (state) => [{ name: topic(state), topicId: topicId(state), partitions: [partition] }]
}

export type TransactionRef = (state: State) => { id: string; producerId: number; epoch: number }
export function anyProducer(choice: Choice): TransactionRef {
  const [off, other, foreign] = [choice.of(0, 0, 0, -1, 1), choice.of(0, 0, 0, 1, -2), choice.of(false, false, false, true)]
  const id = choice.of<GroupRef>(
    ({ transaction }) => transaction.id,
    ({ transaction }) => transaction.id,
    ({ transaction }) => transaction.id,
    () => 'no-such-id',
    () => ''
  )
  return (state) => {
    const { producerId, epoch } = state.transaction
    return { id: id(state), producerId: foreign ? -1 : producerId + other * 1_000_000, epoch: epoch + off }
  }
}
