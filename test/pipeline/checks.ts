/** What must hold of a pipeline in the end. */
import { setTimeout as delay } from 'node:timers/promises'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.js'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.js'
import { settled, type Session } from '../takeover/session.js'
import { committed } from '../transactions/producer.js'
import { GROUP, INPUT, OUTPUTS, PARTITIONS, type World } from './world.js'

const all = Array.from({ length: PARTITIONS }, (_, index) => index)

/** Committed offsets of the input that no transaction is about to change; undefined while one is. */
async function stableOffsets({ client }: Session): Promise<readonly number[] | undefined> {
  const body = { groupId: GROUP, topics: [{ name: INPUT, partitionIndexes: all }], requireStable: true }
  const { topics } = await settled(() => client.request(offsetFetch, 7, body))
  const partitions = topics[0]?.partitions ?? []
  if (partitions.length < PARTITIONS || partitions.some(({ errorCode }) => errorCode !== ErrorCode.NONE)) return undefined
  return partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex).map(({ committedOffset }) => Math.max(0, committedOffset))
}

/** Resolves when everything is copied; rejects if that takes too long. */
export async function copiedAll(world: World, patienceMs: number): Promise<void> {
  const session = await world.session()
  let offsets: readonly number[] | undefined
  for (const end = Date.now() + patienceMs; Date.now() < end; await delay(20)) {
    world.check()
    offsets = await stableOffsets(session)
    if (offsets?.every((offset, index) => offset >= world.ends[index]!)) {
      session.close()
      return
    }
  }
  session.close()
  throw new Error(`copied up to ${offsets?.join() ?? 'what is open'} of ${world.ends.join()} after ${patienceMs} ms`)
}

/** Transactions that are not at their end, producers that have one open, and readers that cannot get to the end: nothing, after a while. */
async function open(session: Session): Promise<string[]> {
  const found: string[] = []
  const { transactionStates } = await session.client.request(listTransactions, 1, {
    stateFilters: [],
    producerIdFilters: [],
    durationFilter: -1
  })
  for (const { transactionalId, transactionState } of transactionStates)
    if (!['Empty', 'CompleteCommit', 'CompleteAbort'].includes(transactionState)) found.push(`${transactionalId} is ${transactionState}`)
  const logs = [...[INPUT, ...OUTPUTS].map((name) => [name, PARTITIONS] as const), ['__consumer_offsets', 3] as const]
  for (const [topic, count] of logs) {
    const partitionIndexes = all.slice(0, count)
    const { topics } = await session.client.request(describeProducers, 0, { topics: [{ name: topic, partitionIndexes }] })
    for (const { partitionIndex, errorCode, activeProducers } of topics[0]!.partitions) {
      if (errorCode !== ErrorCode.NONE) found.push(`producers of ${topic}-${partitionIndex}: error ${errorCode}`)
      for (const { producerId, currentTxnStartOffset } of activeProducers)
        if (currentTxnStartOffset >= 0) found.push(`${producerId} has a transaction open in ${topic}-${partitionIndex}`)
      const [stable, end] = [await session.offsetAt(topic, partitionIndex, -1, 1), await session.offsetAt(topic, partitionIndex, -1, 0)]
      if (stable.offset !== end.offset) found.push(`${topic}-${partitionIndex} is stable up to ${stable.offset} of ${end.offset}`)
    }
  }
  return found
}

/** `patienceMs`: for transactions to time out. */
export async function checkNothingOpen(world: World, patienceMs: number): Promise<void> {
  const session = await world.session()
  let found: string[] = []
  for (const end = Date.now() + patienceMs; ; await delay(50)) {
    found = await open(session)
    if (found.length === 0 || Date.now() > end) break
  }
  session.close()
  if (found.length > 0) throw new Error(found.join('\n'))
}

/** Values that are not next to each other's, for a message that can be read. */
function difference(found: readonly string[], expected: readonly string[]): string {
  const at = expected.findIndex((value, index) => found[index] !== value)
  const from = Math.max(0, at - 2)
  const missing = expected.filter((value) => !found.includes(value))
  const twice = found.filter((value, index) => found.indexOf(value) !== index)
  return (
    `${found.length} of ${expected.length}; at ${at}: ${found.slice(from, at + 4).join(' ')} instead of ${expected.slice(from, at + 4).join(' ')}; ` +
    `missing ${missing.slice(0, 10).join(' ')}; twice ${twice.slice(0, 10).join(' ')}`
  )
}

/** Every record of the input is in both outputs once; in the first in its partition and its place. */
export async function checkOutputs(world: World): Promise<void> {
  const session = await world.session()
  const problems: string[] = []
  const expected = world.fed.map((count, index) => Array.from({ length: count }, (_, n) => `${index}:${n}`))
  const spread: string[] = []
  for (const index of all) {
    const same = await committed(session, OUTPUTS[0], index)
    if (same.join() !== expected[index]!.join()) problems.push(`${OUTPUTS[0]}-${index}: ${difference(same, expected[index]!)}`)
    spread.push(...(await committed(session, OUTPUTS[1], index)))
  }
  const [found, wanted] = [spread.toSorted(), expected.flat().toSorted()]
  if (found.join() !== wanted.join()) problems.push(`${OUTPUTS[1]}: ${difference(found, wanted)}`)
  session.close()
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
