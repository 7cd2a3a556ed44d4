/** A fetch that waits is done when enough has come, whatever else happens to the log meanwhile. */
import test from 'ava'
import { DelayedFetch } from '../../src/broker/delayed-fetch.js'
import { WokenFetches } from '../../src/broker/woken-fetches.js'
import { Partition } from '../../src/replication/partition.js'
import { append, ManualClock, startEngine, TOPIC_ID, values } from '../storage/support.js'

test('records wake a waiting fetch although retention has deleted more than they bring', async (t) => {
  const engine = await startEngine(t, { clock: new ManualClock() })
  const log = await engine.manager.create('a', 0, TOPIC_ID, engine.config({ 'internal.segment.bytes': '16384' }))
  const partition = new Partition(log, TOPIC_ID, 0)
  for (let batch = 0; batch < 8; batch++) await append(engine, log, values(1, 'v', 10_000))
  const before = log.sizeBytes
  let done = false
  const waited = {
    partition,
    fetchOffset: log.endOffset,
    maxBytes: 1 << 20,
    committed: false,
    log,
    appendedBytes: log.appendedBytes,
    startBytes: 0
  }
  const complete = (): void => {
    done = true
  }
  const woken = new WokenFetches(engine.clock)
  const fetch = new DelayedFetch({ clock: engine.clock, woken, maxWaitMs: 60_000, minBytes: 100, partitions: [waited], complete })
  t.teardown(() => fetch.complete())
  await log.deleteRecordsBefore(4)
  t.true((await log.applyRetention()) > 0)
  t.false(done)
  // The log tells its watchers after the turn, and they are served in the next.
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const told = () => turn().then(turn)
  await append(engine, log, values(1, 'v', 10))
  await told()
  t.false(done, 'fewer bytes than it asks for')
  await append(engine, log, values(1, 'v', 1000))
  await told()
  t.true(log.sizeBytes < before)
  t.true(done)
})
