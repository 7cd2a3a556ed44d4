/**
 * Producers of both kinds write transactions while their broker is killed again and again (TRANSACTION_KILLS times, SEED). What was said to be
 * committed is there, whole; what was aborted is not; nothing stays open.
 */
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { startChildBroker, type ChildBroker } from '../support/broker.js'
import { temporaryFolder } from '../storage/support.js'
import { Session } from '../takeover/session.js'
import { Producer, V1, V2, committed, stableOffset } from './producer.js'

const KILLS = Number(process.env['TRANSACTION_KILLS'] ?? 3)
const TOPIC = 'killed'
const settings = { 'transaction.state.log.num.partitions': '2' }

/** Values from 0 on, always the same for a seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 0x1_0000_0000) * below)
  }
}

type Outcome = 'committed' | 'aborted' | 'unknown'

/** How much is done in one life of the broker. */
interface Progress {
  ended: number
}

/** However fast the machine is: some transactions have ended, and others have not. */
async function killAfter(broker: ChildBroker, progress: Progress, count: number): Promise<void> {
  for (const end = Date.now() + 20_000; progress.ended < count && Date.now() < end;) await delay(2)
  await broker.kill()
}

/** Writes one transaction after the other until the broker is gone. */
async function work(
  broker: ChildBroker,
  id: string,
  versions: typeof V1,
  life: number,
  outcomes: Map<string, Outcome>,
  progress: Progress
): Promise<void> {
  const session = await Session.connect(broker)
  let current = ''
  try {
    const producer = new Producer(session, id, versions)
    if ((await producer.init()) !== 0) throw new Error(`${id} cannot begin`)
    for (let n = 0; ; n++) {
      current = `${id}-${life}-${n}`
      outcomes.set(current, 'unknown')
      for (const index of [0, 1]) {
        const errorCode = await producer.send(TOPIC, index, current)
        if (errorCode !== 0) throw new Error(`${current} cannot be written: error ${errorCode}`)
      }
      const commit = n % 3 !== 1
      const errorCode = await producer.end(commit)
      if (errorCode !== 0) throw new Error(`${current} cannot be ended: error ${errorCode}`)
      outcomes.set(current, commit ? 'committed' : 'aborted')
      progress.ended++
    }
  } catch (error) {
    // Only the kill may end it.
    if (!session.client.closed) throw error
  } finally {
    session.close()
  }
}

test('transactions are whole, whenever the broker is killed', async (t) => {
  const random = randomNumbers(Number(process.env['SEED'] ?? 7))
  const dir = path.join(await temporaryFolder(t), 'data')
  const outcomes = new Map<string, Outcome>()
  const ids = [
    ['a', V1],
    ['b', V2],
    ['c', V2]
  ] as const
  for (let life = 0; life < KILLS; life++) {
    const broker = await startChildBroker({ dir, topics: { [TOPIC]: 2 }, settings })
    const progress = { ended: 0 }
    const working = ids.map(([id, versions]) => work(broker, id, versions, life, outcomes, progress))
    await killAfter(broker, progress, 5 + random(60))
    await Promise.all(working)
  }
  const broker = await startChildBroker({ dir, settings })
  t.teardown(() => broker.stop())
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  // Aborts what is open.
  for (const [id, versions] of ids) t.is(await new Producer(session, id, versions).init(), 0)
  const [first, second] = [await committed(session, TOPIC, 0), await committed(session, TOPIC, 1)]
  t.deepEqual([...first].sort(), [...second].sort(), 'each transaction is in both partitions or in none')
  t.is(new Set(first).size, first.length, 'none is there twice')
  const seen = new Set(first)
  for (const [name, outcome] of outcomes) if (outcome !== 'unknown') t.is(seen.has(name), outcome === 'committed', `${name} was ${outcome}`)
  for (const index of [0, 1]) {
    const [stable, end] = [await session.offsetAt(TOPIC, index, -1, 1), await session.offsetAt(TOPIC, index, -1, 0)]
    t.is(stable.offset, end.offset, 'nothing is open')
  }
  t.log(`${outcomes.size} transactions, ${first.length} of them seen`)
  t.true(first.length > KILLS)
})

/**
 * Copies numbers: the offset that is committed with each says which comes next. Ends with the broker; ends by itself and begins anew now and then,
 * in the middle of a transaction, and aborts some.
 */
async function copy(
  broker: ChildBroker,
  id: string,
  versions: typeof V1,
  random: (below: number) => number,
  progress: Progress
): Promise<void> {
  for (;;) {
    const session = await Session.connect(broker).catch(() => undefined)
    if (session === undefined) return
    try {
      await session.coordinator(id, 0)
      const producer = new Producer(session, id, versions)
      const begun = await producer.init()
      if (begun !== 0) throw new Error(`${id} cannot begin: error ${begun}`)
      let next = Math.max(0, await stableOffset(session, id, TOPIC))
      for (let stays = true; stays;) {
        for (const index of [0, 1]) {
          const sent = await producer.send(TOPIC, index, `${id} ${next}`)
          if (sent !== 0) throw new Error(`${id} ${next} cannot be written: error ${sent}`)
        }
        const stored = await producer.commitOffset(id, TOPIC, next + 1)
        if (stored !== 0) throw new Error(`${id} ${next + 1} cannot be committed: error ${stored}`)
        const chance = random(12)
        stays = chance !== 0
        if (!stays) break
        const ended = await producer.end(chance !== 1)
        if (ended !== 0) throw new Error(`${id} ${next} cannot be ended: error ${ended}`)
        if (chance !== 1) next++
        progress.ended++
      }
    } catch (error) {
      // Only the kill may end it.
      if (!session.client.closed) throw error
      return
    } finally {
      session.close()
    }
  }
}

test('a copy with its offsets is exact, whenever broker or copier are killed', async (t) => {
  const seed = Number(process.env['SEED'] ?? 11)
  const random = randomNumbers(seed)
  const dir = path.join(await temporaryFolder(t), 'data')
  const ids = [
    ['one', V1],
    ['two', V2]
  ] as const
  for (let life = 0; life < KILLS; life++) {
    const broker = await startChildBroker({ dir, topics: { [TOPIC]: 2 }, settings })
    const progress = { ended: 0 }
    const copying = ids.map(([id, versions], at) => copy(broker, id, versions, randomNumbers(seed + life * ids.length + at), progress))
    await killAfter(broker, progress, 5 + random(40))
    await Promise.all(copying)
  }
  const broker = await startChildBroker({ dir, settings })
  t.teardown(() => broker.stop())
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  let copied = 0
  for (const [id, versions] of ids) {
    t.is(await new Producer(session, id, versions).init(), 0)
    await session.coordinator(id, 0)
    const count = await stableOffset(session, id, TOPIC)
    const expected = Array.from({ length: count }, (_, n) => `${id} ${n}`)
    for (const index of [0, 1]) {
      const values = await committed(session, TOPIC, index)
      t.deepEqual(
        values.filter((value) => value.startsWith(`${id} `)),
        expected
      )
    }
    copied += count
  }
  t.log(`${copied} copied`)
  t.true(copied > KILLS)
})
