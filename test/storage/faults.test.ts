/** Disks that fill up or go away, and processes that are killed. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { rename, rm, unlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { LogDirectory } from '../../src/storage/index.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, readAll, startEngine, temporaryFolder, TOPIC_ID, values } from './support.js'

const MiB = 1024 * 1024

/** A file system of a few MiB; undefined where this user may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmdirSync(folder)
    return undefined
  }
}

const disk = smallDisk()
const testOnSmallDisk = disk === undefined ? test.serial.skip : test.serial

test.after.always(() => {
  if (disk === undefined) return
  execFileSync('umount', ['-l', disk], { stdio: 'ignore' })
  rmdirSync(disk)
})

testOnSmallDisk('appends to a full disk are warned of, not each of them', async (t) => {
  const warnings: string[] = []
  const warn = (line: string): number => warnings.push(line)
  const none = (): void => undefined
  const directory = await LogDirectory.open(path.join(disk!, 'told'), { log: { debug: none, info: none, warn, error: warn } })
  const log = await directory.log('t')
  let failed = 0
  for (let round = 0; round < 80; round++) await log.append({ value: Buffer.alloc(100_000) }).catch(() => failed++)
  await directory.close()
  await rm(directory.path, { recursive: true })
  t.true(failed > 10)
  t.is(warnings.length, 1, warnings.join('\n'))
  t.regex(warnings[0]!, /^a write to t-0 failed with ENOSPC/)
})

testOnSmallDisk('a full disk fails the writes behind it, loses nothing, and the log goes on when there is room', async (t) => {
  const dir = path.join(disk!, 'data')
  const engine = await startEngine(t, { dir, topic: { 'internal.segment.bytes': String(MiB) } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const ballast = path.join(disk!, 'ballast')
  await writeFile(ballast, Buffer.alloc(MiB))
  const written: number[] = []
  const failures: number[] = []
  const producer = { producerId: 4, producerEpoch: 0 }
  let sequence = 0
  for (let round = 0; round < 20; round++) {
    const batches = [0, 1, 2].map((index) =>
      append(engine, log, values(1, `r${round}-${index}`, 100_000), { ...producer, baseSequence: sequence + index })
    )
    const results = await Promise.all(batches)
    const good = results.filter((result) => result.errorCode === ErrorCode.NONE)
    sequence += good.length
    for (const result of results) (result.errorCode === ErrorCode.NONE ? written : failures).push(result.errorCode || result.baseOffset)
    if (failures.length > 0) break
  }
  t.true(failures.length > 0, 'the disk was full')
  t.true(failures.every((code) => code === ErrorCode.KAFKA_STORAGE_ERROR))
  t.deepEqual(
    written,
    written.map((_, index) => index)
  )
  t.true(engine.manager.dirs[0]!.online)
  t.is(
    (await append(engine, log, values(1, 'full', 100_000), { ...producer, baseSequence: sequence })).errorCode,
    ErrorCode.KAFKA_STORAGE_ERROR
  )
  t.is((await readAll(log)).length, written.length, 'readers go on')
  await unlink(ballast)
  const after = await append(engine, log, values(1, 'room', 100_000), { ...producer, baseSequence: sequence })
  t.like(after, { errorCode: ErrorCode.NONE, baseOffset: written.length })
  t.is((await readAll(log)).length, written.length + 1)
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(dir, 't-0')), [])

  const again = await startEngine(t, { dir })
  t.is((await again.manager.whenReady('t', 0))!.endOffset, written.length + 1)
  await again.stop()
  await rm(dir, { recursive: true })
})

testOnSmallDisk('preallocate: where there is no room to reserve, the log goes on without', async (t) => {
  const dir = path.join(disk!, 'reserved')
  const engine = await startEngine(t, { dir, topic: { preallocate: 'true', 'segment.bytes': String(64 * MiB) } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let index = 0; index < 20; index++) t.is((await append(engine, log, values(1, 'x', 100_000))).errorCode, ErrorCode.NONE)
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(dir, 't-0')), [])
  await rm(dir, { recursive: true })
})

testOnSmallDisk('a disk that is full when a new segment begins fails nothing for good', async (t) => {
  const dir = path.join(disk!, 'data2')
  const engine = await startEngine(t, { dir, topic: { 'internal.segment.bytes': '3000' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(1, 'a', 2000))
  const ballast = path.join(disk!, 'ballast')
  await t.throwsAsync(writeFile(ballast, Buffer.alloc(8 * MiB)), { code: 'ENOSPC' })
  const results = await Promise.all(['b', 'c', 'd'].map((prefix) => append(engine, log, values(1, prefix, 2000))))
  // The last bytes of a page may still have had room; what failed failed together.
  const good = results.filter((result) => result.errorCode === 0).length
  t.true(results.slice(good).every((result) => result.errorCode === ErrorCode.KAFKA_STORAGE_ERROR))
  t.is(log.endOffset, 1 + good)
  await unlink(ballast)
  const after = await append(engine, log, values(1, 'e', 2000))
  t.is(after.baseOffset, 1 + good, engine.lines.join('\n'))
  t.is((await readAll(log)).length, 2 + good)
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(dir, 't-0')), [])
})

test('a directory that goes away takes its logs offline, and only those', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = [path.join(base, 'one'), path.join(base, 'two')]
  const engine = await startEngine(t, { dirs, topic: { 'internal.segment.bytes': '3000' } })
  const first = await engine.manager.create('a', 0, TOPIC_ID, engine.config())
  const second = await engine.manager.create('b', 0, TOPIC_ID, engine.config())
  t.not(path.dirname(first.folder), path.dirname(second.folder), 'spread over the directories')
  await append(engine, first, values(1, 'x', 2000))
  await append(engine, second, values(1, 'x', 2000))
  const failed = new Promise<string>((resolve) => (engine.manager.onDirFailure = (dir) => resolve(dir.path)))
  await rename(path.dirname(first.folder), path.join(base, 'gone'))
  const result = await append(engine, first, values(1, 'y', 2000))
  t.is(result.errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.is(await failed, path.dirname(first.folder))
  t.is((await append(engine, first, values(1))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.is((await first.read(0, 100, Infinity, true)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.is((await append(engine, second, values(1, 'y', 2000))).baseOffset, 1)
  const described = await engine.manager.describe()
  t.deepEqual(
    described.map((dir) => dir.errorCode),
    dirs.map((dir) => (dir === path.dirname(first.folder) ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE))
  )
  await rename(path.join(base, 'gone'), path.dirname(first.folder))
})

test('nothing that was acknowledged is missing after a kill -9', async (t) => {
  const dir = path.join(await temporaryFolder(t), 'data')
  const topic = { 'internal.segment.bytes': '100000', 'index.interval.bytes': '500' }
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'append-forever.js'), dir], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let acknowledged = -1
    let first = -1
    const lines = readline.createInterface({ input: child.stdout })
    const enough = 400 + 300 * round
    for await (const line of lines) {
      const [, offset] = /^acked (\d+)$/.exec(line) ?? []
      if (offset === undefined) continue
      if (first < 0) first = Number(offset)
      acknowledged = Number(offset)
      if (acknowledged - first >= enough && !child.killed) child.kill('SIGKILL')
    }
    t.true(acknowledged - first >= enough)

    const engine = await startEngine(t, { dir, topic })
    t.false(engine.manager.cleanStart)
    for (let partition = 0; partition < 4; partition++) {
      const log = (await engine.manager.whenReady('t', partition))!
      const read = await readAll(log)
      if (partition === 0) t.true(log.endOffset > acknowledged)
      t.deepEqual(
        read.map((record) => record.offset),
        Array.from({ length: log.endOffset }, (_, index) => index)
      )
      t.true(read.every((record) => record.value!.toString() === `record ${record.offset}`.padEnd(100, '.')))
    }
    await engine.drop()
    for (let partition = 0; partition < 4; partition++) t.deepEqual(await verifyFolder(path.join(dir, `t-${partition}`)), [])
  }
})
