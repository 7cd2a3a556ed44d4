/** Fetches that an append woke are answered in order, behind its acknowledgement, and never so many at a time that all else waits for them. */
import test from 'ava'
import { DelayedFetch } from '../../src/broker/delayed-fetch.js'
import { WokenFetches } from '../../src/broker/woken-fetches.js'
import { Partition } from '../../src/replication/partition.js'
import { append, ManualClock, startEngine, TOPIC_ID, values } from '../storage/support.js'

/** Each look at it takes an eighth of a millisecond. */
class TickingClock extends ManualClock {
  #ticks = 0

  override monotonic(): number {
    return this.#ticks++ / 8
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a slice at a time, in the order of the waking', async (t) => {
  const woken = new WokenFetches(new TickingClock())
  const served: number[] = []
  for (let index = 0; index < 25; index++) woken.add({ serve: () => void served.push(index) })
  t.deepEqual(served, [], 'not in the turn of the append')
  await turn()
  t.is(served.length, 8, '1 ms of them')
  woken.add({ serve: () => void served.push(25) })
  await turn()
  t.is(served.length, 16)
  await turn()
  await turn()
  t.deepEqual(
    served,
    Array.from({ length: 26 }, (_, index) => index)
  )
  woken.add({ serve: () => void served.push(26) })
  await turn()
  t.is(served.at(-1), 26, 'it starts again')
})

test('an acknowledgement does not wait for the fetches that its append woke', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('a', 0, TOPIC_ID, engine.config())
  const partition = new Partition(log, TOPIC_ID, 0)
  const woken = new WokenFetches(engine.clock)
  let completed = 0
  const done = Array.from(
    { length: 1000 },
    () =>
      new Promise<void>((resolve) => {
        const waited = { partition, log, fetchOffset: 0, maxBytes: 1 << 20, committed: false, appendedBytes: 0, startBytes: 0 }
        const complete = (): void => {
          completed++
          resolve()
        }
        void new DelayedFetch({ clock: engine.clock, woken, maxWaitMs: 60_000, minBytes: 1, partitions: [waited], complete })
      })
  )
  await append(engine, log, values(1))
  // As many steps as there may be from the log to the socket, all in the turn of the completion.
  for (let step = 0; step < 50; step++) await Promise.resolve()
  t.is(completed, 0)
  await Promise.all(done)
  t.is(completed, 1000)
})
