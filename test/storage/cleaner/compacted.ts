/** A log with everything that compaction leaves behind. */
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { compact, endTransaction, put, seen, startCompacting, type Pair } from './support.js'

/** Stopped in an orderly way: the folder of its partition, and how many records readers see in it. */
export async function compacted(t: ExecutionContext): Promise<{ folder: string; records: number }> {
  const one = await startCompacting(t)
  const sequences = [0, 0]
  for (let round = 0; round < 60; round++) {
    one.clock.advance(10)
    const pairs = Array.from({ length: 5 }, (_, index): Pair => [
      `k${(round * 3 + index) % 23}`,
      index === 4 ? null : `${round}`.padEnd(60, '.')
    ])
    await put(one, pairs, {}, round % 5)
    const producer = round % 2
    const options = { producerId: 5 + producer, producerEpoch: 0, baseSequence: sequences[producer]!, transactional: true }
    await put(one, [[`k${round % 7}`, 'in a transaction']], options, round % 5)
    sequences[producer]!++
    await endTransaction(one, 5 + producer, round % 3 !== 0)
    if (round === 30) await compact(one)
  }
  await put(
    one,
    Array.from({ length: 7 }, (_, key): Pair => [`k${key}`, 'last'])
  )
  await compact(one)
  const records = (await seen(one.log)).length
  await one.engine.stop()
  return { folder: path.join(one.engine.dir, 't-0'), records }
}
