/** Many partitions, many segments, much data: what must stay small stays small. */
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { systemClock } from '../../src/clock.js'
import { Runtime } from '../../src/native/runtime.js'
import type { Log } from '../../src/storage/log.js'
import { LogOpener, type FoundLog } from '../../src/storage/log-opener.js'
import { writeSparseLog } from '../support/sparse-log.js'
import { append, collectingLogger, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

const GIB = 1024 ** 3

/** Descriptors of this process for files below a folder. */
function openFilesIn(folder: string): number {
  let count = 0
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${folder}/`)) count++
    } catch {
      // Closed in between.
    }
  }
  return count
}

async function ready(engine: Engine, topic: string, partition: number): Promise<Log> {
  const log = await engine.manager.whenReady(topic, partition)
  if (log === undefined) throw new Error(`${topic}-${partition} is missing`)
  return log
}

test('2,000 partitions open and close without a file each', async (t) => {
  const dir = path.join(await temporaryFolder(t), 'data')
  await (await startEngine(t, { dir })).stop()
  for (let partition = 0; partition < 2000; partition++) {
    mkdirSync(path.join(dir, `t-${partition}`))
    writeFileSync(path.join(dir, `t-${partition}`, 'partition.metadata'), `version: 0\ntopic_id: ${TOPIC_ID}`)
  }
  const engine = await startEngine(t, { dir })
  const logs = await Promise.all(Array.from({ length: 2000 }, (_, partition) => ready(engine, 't', partition)))
  t.is(new Set(logs.map(({ topicId }) => topicId)).size, 1)
  t.is(logs[1999]!.topicId, TOPIC_ID)
  t.true(openFilesIn(dir) <= 2, 'the lock, and perhaps a checkpoint')
  await append(engine, logs[7]!, values(3))
  await engine.stop()
  const again = await startEngine(t, { dir })
  t.true(again.manager.cleanStart)
  t.is((await ready(again, 't', 7)).endOffset, 3)
})

test('segments close their files beyond the bound, and are read and written all the same', async (t) => {
  const bound = 16
  const runtime = new Runtime({ openSegments: bound })
  const engine = await startEngine(t, { more: { runtime } })
  t.teardown(async () => {
    await engine.stop()
    await runtime.close()
  })
  const logs: Log[] = []
  for (let partition = 0; partition < 60; partition++) {
    const log = await engine.manager.create('t', partition, TOPIC_ID, engine.config())
    logs.push(log)
  }
  const use: Engine = { ...engine, runtime }
  for (const round of [0, 1, 2]) {
    for (const log of logs) {
      log.roll()
      await append(use, log, values(2, `r${round}-`, 100))
    }
  }
  t.true(logs.every((log) => log.segmentCount === 3))
  t.true(openFilesIn(engine.dir) <= 3 * (bound + 2), `${openFilesIn(engine.dir)} files are open`)
  for (const log of logs) t.is((await readAll(log)).length, 6)
  t.true(openFilesIn(engine.dir) <= 3 * (bound + 2), `${openFilesIn(engine.dir)} files are open`)
  await engine.stop()
  const again = await startEngine(t, { dir: engine.dir })
  t.true(again.manager.cleanStart)
  for (let partition = 0; partition < 60; partition++) t.is((await ready(again, 't', partition)).endOffset, 6)
})

test('after a crash, logs are recovered side by side, and what somebody asks for goes first', async (t) => {
  const first = await startEngine(t)
  for (let partition = 0; partition < 20; partition++) {
    const log = await first.manager.create('t', partition, TOPIC_ID, first.config())
    await append(first, log, values(5, 'v', 200))
  }
  await first.drop()
  const runtime = new Runtime()
  t.teardown(() => runtime.close())
  const { lines, log } = collectingLogger()
  const order: string[] = []
  const atWork = { now: 0, most: 0 }
  const dir = { path: first.dir, cleanShutdown: false, recoveryPoints: new Map<string, number>() }
  const open = async ({ name }: FoundLog, _: unknown, checked: ((bytes: number) => void) | undefined): Promise<Log> => {
    order.push(name)
    atWork.most = Math.max(atWork.most, ++atWork.now)
    checked?.(1)
    await setImmediate()
    atWork.now--
    return { topic: name } as unknown as Log
  }
  const opener = new LogOpener({ dir, runtime, clock: systemClock(), log, threads: 2, open })
  const opened = Array.from({ length: 20 }, (_, partition) => opener.add({ name: `t-${partition}`, topic: 't', partition }))
  opener.start()
  opener.hurry('t-19')
  opener.hurry('t-18')
  const progress = opened[0]!.then(() => opener.progress())
  await Promise.all(opened)
  t.deepEqual(order.slice(0, 5), ['t-0', 't-1', 't-19', 't-18', 't-2'])
  t.is(atWork.most, 2)
  t.is((await progress)?.logs, 20)
  await setImmediate()
  t.is(opener.progress(), undefined)
  t.regex(lines.join('\n'), /was not closed: 20 logs are checked, .*\n.*20 logs recovered in/)
})

test('after a crash, all logs are there again', async (t) => {
  const first = await startEngine(t)
  for (let partition = 0; partition < 20; partition++) {
    const log = await first.manager.create('t', partition, TOPIC_ID, first.config())
    await append(first, log, values(5, 'v', 200))
  }
  await first.drop()
  const engine = await startEngine(t, { dir: first.dir })
  for (let partition = 0; partition < 20; partition++) t.is((await readAll(await ready(engine, 't', partition))).length, 5)
  await engine.stop()
  t.regex(engine.lines.join('\n'), /20 logs recovered in/)
})

test('after a crash, a log that was flushed whole is not read again', async (t) => {
  const first = await startEngine(t)
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  await append(first, log, values(5))
  await log.flush()
  await first.manager.dirs[0]!.saveRecoveryPoints()
  await first.drop()
  const engine = await startEngine(t, { dir: first.dir })
  t.is((await ready(engine, 't', 0)).endOffset, 5)
  t.notRegex(engine.lines.join('\n'), /are checked/)
})

test('a log of 1 TiB opens without being read, and each offset is found', async (t) => {
  const dir = path.join(await temporaryFolder(t), 'data')
  await (await startEngine(t, { dir })).stop()
  const folder = path.join(dir, 't-0')
  const sparse = writeSparseLog({ folder, segments: 1024, segmentBytes: GIB, batchBytes: 1024 * 1024, recordsPerBatch: 1000, present: 1 })
  t.true((await stat(path.join(folder, '00000000000000000000.log'))).size === GIB)
  writeFileSync(path.join(dir, 'recovery-point-offset-checkpoint'), `0\n1\nt 0 ${sparse.endOffset}\n`)
  const engine = await startEngine(t, { dir })
  const log = await ready(engine, 't', 0)
  t.is(log.sizeBytes, 1024 * GIB)
  t.is(log.endOffset, sparse.endOffset)
  t.is(log.segmentCount, 1024)
  t.true(openFilesIn(dir) <= 2)
  for (const offset of sparse.offsets.filter((_, index) => index % 97 === 0)) {
    const found = await log.read(offset, 4096, log.endOffset, true)
    t.is(found.errorCode, 0)
    t.is(found.region?.position, sparse.positionOf(offset))
  }
})
