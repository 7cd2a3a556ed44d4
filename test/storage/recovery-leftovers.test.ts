/** Starts on what a power cut can leave, file by file: what is ahead of the log goes, what is behind it is made anew. */
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { writeInt64 } from '../../src/record/batch.js'
import { buildBatch, endTransactionBatch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { offsetName } from '../../src/storage/names.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, appendBytes, readAll, startEngine, TOPIC_ID, values, type Engine } from './support.js'

const TOPIC = { 'internal.segment.bytes': '100000', 'index.interval.bytes': '200', 'retention.ms': '-1' }
const HOUR_MS = 3_600_000

async function startFilled(
  t: ExecutionContext,
  fill: (engine: Engine, log: Log) => Promise<void>,
  orderly = false
): Promise<[dir: string, folder: string]> {
  const engine = await startEngine(t, { topic: TOPIC })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await fill(engine, log)
  await (orderly ? engine.stop() : engine.drop())
  return [engine.dir, path.join(engine.dir, 't-0')]
}

async function reopen(t: ExecutionContext, dir: string, recoveryPoint: number): Promise<{ engine: Engine; log: Log }> {
  await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), `0\n1\nt 0 ${recoveryPoint}\n`)
  const engine = await startEngine(t, { dir, topic: TOPIC })
  return { engine, log: (await engine.manager.whenReady('t', 0))! }
}

async function abort(engine: Engine, log: Log, producerId: number): Promise<number> {
  await append(engine, log, values(1), { producerId, producerEpoch: 0, baseSequence: 0, transactional: true })
  const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit: false, timestamp: engine.clock.now() }
  return (await appendBytes(engine, log, endTransactionBatch(marker), 'coordinator')).baseOffset
}

test('the time index of the segment before the recovery point gets its last entry', async (t) => {
  const timestamp = Date.now()
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 10; round++) await append(engine, log, values(1, 'v', 30), { timestamp: timestamp + round })
    log.roll()
    await append(engine, log, values(1), { timestamp: timestamp - HOUR_MS })
  })
  const index = path.join(folder, `${offsetName(0)}.timeindex`)
  const sealed = await readFile(index)
  await truncate(index, sealed.length - 12)
  const { engine, log } = await reopen(t, dir, 10)
  t.is((await log.offsetOfMaxTimestamp())?.timestamp, timestamp + 9)
  t.deepEqual(await readFile(index), sealed)
  await engine.stop()
  t.deepEqual(await verifyFolder(folder), [])
})

test('a segment that is checked from its start gets its indexes back, also the last entry by time', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 10; round++) await append(engine, log, values(1, 'v', 100), { timestamp: HOUR_MS + round })
    log.roll()
    await append(engine, log, values(1), { timestamp: 1 })
  })
  const files = ['.index', '.timeindex'].map((suffix) => path.join(folder, offsetName(0) + suffix))
  const sound = await Promise.all(files.map((file) => readFile(file)))
  await reopen(t, dir, 0)
  t.deepEqual(await Promise.all(files.map((file) => readFile(file))), sound)
})

for (const orderly of [false, true]) {
  test(`what lies before an empty segment is checked all the same, after ${orderly ? 'an orderly stop' : 'a crash'}`, async (t) => {
    let size = 0
    const [dir, folder] = await startFilled(
      t,
      async (engine, log) => {
        await append(engine, log, values(2))
        size = (await stat(path.join(log.folder, `${offsetName(0)}.log`))).size
        await append(engine, log, values(1))
      },
      orderly
    )
    await truncate(path.join(folder, `${offsetName(0)}.log`), size + 5)
    await writeFile(path.join(folder, `${offsetName(3)}.log`), '')
    const { log } = await reopen(t, dir, 2)
    t.deepEqual([log.endOffset, (await readAll(log)).length], [2, 2])
  })
}

test('a broken index of the segment before the recovery point is made anew', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 10; round++) await append(engine, log, values(1, 'v', 100))
    log.roll()
    await append(engine, log, values(1))
  })
  const index = path.join(folder, `${offsetName(0)}.index`)
  const sound = await readFile(index)
  await writeFile(index, Buffer.alloc(sound.length))
  await reopen(t, dir, 10)
  t.deepEqual(await readFile(index), sound)
})

test('an index that is missing is made anew as a whole, also where the recovery point lies within its segment', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 10; round++) await append(engine, log, values(1, 'v', 100), { timestamp: HOUR_MS + round })
  })
  for (const suffix of ['.index', '.timeindex']) {
    const index = path.join(folder, offsetName(0) + suffix)
    const sound = await readFile(index)
    await rm(index)
    await (await reopen(t, dir, 5)).engine.drop()
    t.deepEqual(await readFile(index), sound, suffix)
  }
})

test('a log ends before a batch whose offsets do not follow, though its checksum is right', async (t) => {
  const sizes: number[] = []
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 3; round++) {
      await append(engine, log, values(2))
      sizes.push(log.sizeBytes)
    }
  })
  const file = path.join(folder, `${offsetName(0)}.log`)
  const bytes = await readFile(file)
  // No checksum is of the offset.
  writeInt64(bytes, 3, sizes[1]!)
  await writeFile(file, bytes)
  const { log } = await reopen(t, dir, 0)
  t.deepEqual([log.endOffset, log.sizeBytes], [4, sizes[1]!])
})

test('a recovery point within a batch is not believed: all of its segment is checked', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 2; round++) await append(engine, log, values(2, `${round}-`))
  })
  const file = path.join(folder, `${offsetName(0)}.log`)
  const bytes = await readFile(file)
  bytes[70]! ^= 1
  await writeFile(file, bytes)
  t.is((await reopen(t, dir, 3)).log.endOffset, 0)
})

test('producer states of what the log has lost go', async (t) => {
  const producer = { producerId: 5, producerEpoch: 0 }
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    await append(engine, log, values(2), { ...producer, baseSequence: 0 })
    const { size } = await stat(path.join(log.folder, `${offsetName(0)}.log`))
    await append(engine, log, values(2), { ...producer, baseSequence: 2 })
    log.roll()
    await log.flush()
    await truncate(path.join(log.folder, `${offsetName(0)}.log`), size)
  })
  t.true((await readdir(folder)).includes(`${offsetName(4)}.snapshot`))
  const { engine, log } = await reopen(t, dir, 0)
  t.deepEqual([log.endOffset, log.producer(5)?.batches.at(-1)?.lastSequence], [2, 1])
  t.false((await readdir(folder)).includes(`${offsetName(4)}.snapshot`))
  // As many offsets as were lost, of somebody else: at the next start the states at the end are not those of the snapshot.
  await append(engine, log, values(2), { producerId: 6, producerEpoch: 0, baseSequence: 0 })
  await engine.drop()
  const again = await reopen(t, dir, 4)
  t.is(again.log.producer(5)?.batches.at(-1)?.lastSequence, 1)
  t.is((await append(again.engine, again.log, values(2), { ...producer, baseSequence: 2 })).baseOffset, 4)
})

test('producer states of what was there before a log began anew go with it', async (t) => {
  const producer = { producerId: 5, producerEpoch: 0, baseSequence: 0 }
  const [dir] = await startFilled(t, async (engine, log) => void (await append(engine, log, values(2), producer)), true)
  const before = await reopen(t, dir, 2)
  await before.log.truncateFullyAndStartAt(50)
  await before.engine.drop()
  const { log } = await reopen(t, dir, 0)
  t.deepEqual([log.endOffset, log.producer(5)], [50, undefined])
})

for (const origin of ['client', 'replication'] as const) {
  test(`a batch that began a segment and is lost is none that its ${origin} has written`, async (t) => {
    const producer = { producerId: 5, producerEpoch: 0 }
    const bytes = (baseOffset: number) =>
      buildBatch(values(1, 'v', 60_000), { ...producer, baseSequence: baseOffset, baseOffset, timestamp: Date.now() })
    const [dir, folder] = await startFilled(t, async (engine, log) => {
      for (let offset = 0; offset < 2; offset++) await appendBytes(engine, log, bytes(offset), origin)
      await log.flush()
    })
    t.true((await readdir(folder)).includes(`${offsetName(1)}.snapshot`))
    await truncate(path.join(folder, `${offsetName(1)}.log`), 0)
    const { engine, log } = await reopen(t, dir, 1)
    t.deepEqual([log.endOffset, log.producer(5)?.batches.at(-1)?.lastSequence], [1, 0])
    t.like(await appendBytes(engine, log, bytes(1), origin), { errorCode: 0, baseOffset: 1 })
    t.is(log.endOffset, 2)
  })
}

test('aborts of which half is in the index are found again, also below the recovery point', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    await abort(engine, log, 1)
    await abort(engine, log, 2)
    log.roll()
    await append(engine, log, values(1))
    await log.flush()
  })
  const index = path.join(folder, `${offsetName(0)}.txnindex`)
  for (const breakIt of [() => truncate(index, 50), () => appendFile(index, Buffer.alloc(34))]) {
    await breakIt()
    const { engine, log } = await reopen(t, dir, 5)
    t.regex(await readFile(path.join(dir, 'recovery-point-offset-checkpoint'), 'utf8'), /^t 0 0$/m, 'what is made anew is not flushed')
    t.deepEqual(
      (await log.abortedTransactions(0, 5)).map(({ lastOffset }) => lastOffset),
      [1, 3]
    )
    await engine.drop()
    t.is((await stat(index)).size, 68)
  }
})

test('aborts of which a power cut has left the index alone are none', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (const producerId of [1, 2]) await abort(engine, log, producerId)
    await log.flush()
  })
  await truncate(path.join(folder, `${offsetName(0)}.log`), 0)
  for (const name of await readdir(folder)) if (/(\.index|\.timeindex|\.snapshot|checkpoint)$/.test(name)) await rm(path.join(folder, name))
  t.true((await readdir(folder)).includes(`${offsetName(0)}.txnindex`))
  const { engine, log } = await reopen(t, dir, 0)
  t.is(log.endOffset, 0)
  for (let round = 0; round < 5; round++) await append(engine, log, values(1))
  t.deepEqual(await log.abortedTransactions(0, 5), [])
  await log.flush()
  await engine.drop()
  t.deepEqual(await (await reopen(t, dir, 5)).log.abortedTransactions(0, 5), [])
})

test('an abort whose marker the log has lost is none', async (t) => {
  let size = 0
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    await abort(engine, log, 1)
    size = (await stat(path.join(log.folder, `${offsetName(0)}.log`))).size
    await abort(engine, log, 2)
    await log.flush()
  })
  await truncate(path.join(folder, `${offsetName(0)}.log`), size)
  const { engine, log } = await reopen(t, dir, 2)
  t.is(log.endOffset, 2)
  for (let round = 0; round < 3; round++) await append(engine, log, values(1))
  t.deepEqual(
    (await log.abortedTransactions(0, 5)).map(({ lastOffset }) => lastOffset),
    [1]
  )
})

test('a transaction that began below the log start is open after a crash', async (t) => {
  const [dir] = await startFilled(t, async (engine, log) => {
    await append(engine, log, values(2), { producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true })
    await append(engine, log, values(8))
    await log.deleteRecordsBefore(5)
    await log.flush()
  })
  const { log } = await reopen(t, dir, 10)
  t.deepEqual([log.logStartOffset, log.lastStableOffset, log.endOffset], [5, 5, 10])
})

test('an epoch of which the log has lost all batches begins where its next one is written', async (t) => {
  let size = 0
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    await append(engine, log, values(2), {}, 1)
    size = (await stat(path.join(log.folder, `${offsetName(0)}.log`))).size
    await append(engine, log, values(2), {}, 1)
    await append(engine, log, values(2), {}, 5)
    await log.flush()
  })
  await truncate(path.join(folder, `${offsetName(0)}.log`), size)
  const { engine, log } = await reopen(t, dir, 0)
  t.deepEqual([log.endOffset, log.latestEpoch], [2, 1])
  await append(engine, log, values(2), {}, 5)
  t.deepEqual([log.epochOf(1), log.epochOf(2)], [1, 5])
})

test('where an epoch begins the batches know better than a file that was written before an append failed', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (const epoch of [1, 5, 5, 6]) await append(engine, log, values(2), {}, epoch)
  })
  for (const stale of [['1 0', '5 4'], ['1 0', '5 4', '7 5'], ['1 0', '3 1', '6 3'], ['6 0']]) {
    await writeFile(path.join(folder, 'leader-epoch-checkpoint'), `0\n${stale.length}\n${stale.join('\n')}\n`)
    const { engine, log } = await reopen(t, dir, 0)
    t.deepEqual(
      [0, 2, 4, 6].map((offset) => log.epochOf(offset)),
      [1, 5, 5, 6],
      stale.join()
    )
    t.is(log.latestEpoch, 6)
    await engine.drop()
  }
})

for (const orderly of [false, true]) {
  test(`index entries of what the log has lost lead nobody astray, after ${orderly ? 'an orderly stop' : 'a crash'}`, async (t) => {
    const sizes: number[] = []
    const [dir, folder] = await startFilled(
      t,
      async (engine, log) => {
        for (let round = 0; round < 20; round++) {
          await append(engine, log, values(1, `${round}-`, 150), { timestamp: 1_700_000_000_000 + round })
          sizes.push((await stat(path.join(log.folder, `${offsetName(0)}.log`))).size)
        }
        await log.flush()
      },
      orderly
    )
    await truncate(path.join(folder, `${offsetName(0)}.log`), sizes[4]!)
    const { engine, log } = await reopen(t, dir, 5)
    t.is(engine.manager.cleanStart, orderly)
    t.is(log.endOffset, 5)
    for (let round = 0; round < 30; round++)
      await append(engine, log, values(1, `new-${round}-`, 40), { timestamp: 1_700_000_000_000 + round })
    for (let offset = 5; offset < 35; offset++) t.true((await log.readBytes(offset, 1)).includes(`new-${offset - 5}-0`), String(offset))
    await engine.stop()
    t.deepEqual(await verifyFolder(folder), [])
  })
}

test('a record that is not what was written is cut off with all behind it, above the recovery point', async (t) => {
  const [dir, folder] = await startFilled(t, async (engine, log) => {
    for (let round = 0; round < 3; round++) await append(engine, log, values(1, `${round}-`))
  })
  const file = path.join(folder, `${offsetName(0)}.log`)
  const bytes = await readFile(file)
  bytes[bytes.length - 3] = bytes[bytes.length - 3]! ^ 1
  await writeFile(file, bytes)
  const { log } = await reopen(t, dir, 1)
  t.deepEqual([log.endOffset, (await readAll(log)).length], [2, 2])
})

test('a checkpoint is written by one at a time', async (t) => {
  const engine = await startEngine(t, { topic: TOPIC })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(1))
  const [dir] = engine.manager.dirs
  for (let round = 0; round < 5; round++) {
    const first = dir!.saveRecoveryPoints()
    const second = dir!.saveRecoveryPoints()
    // Between the end of one and the beginning of the next.
    await t.notThrowsAsync(Promise.all([first.then(() => dir!.saveRecoveryPoints()), second]))
  }
  t.true(dir!.online)
})
