/** Folders that must not change, served from a mirror: the engine recovers in the mirror, and nothing in the folder is written. */
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ConfigError } from '../../src/errors.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { Log } from '../../src/storage/log.js'
import { mirrorFolders, type Mirror } from '../../src/storage/mirror.js'
import { folderState } from '../support/folder-state.js'
import { append, collectingLogger, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

const topic = { 'internal.segment.bytes': '4000', 'index.interval.bytes': '500' }

/** A log of several segments with an idempotent producer, not stopped in an orderly way if `killed`. */
async function filled(t: ExecutionContext, killed = false): Promise<{ dir: string; folder: string; bases: string[] }> {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const producer = { producerId: 7, producerEpoch: 0 }
  for (let round = 0; round < 30; round++) await append(engine, log, values(5, `r${round}-`, 100), { ...producer, baseSequence: round * 5 })
  await (killed ? engine.drop() : engine.stop())
  // A checkpoint that was being written has come to its end.
  if (killed) await Promise.all(engine.manager.dirs.map((one) => one.saveRecoveryPoints()))
  const folder = path.join(engine.dir, 't-0')
  const bases = (await readdir(folder)).filter((name) => name.endsWith('.log')).toSorted()
  t.true(bases.length > 3)
  return { dir: engine.dir, folder, bases: bases.map((name) => name.slice(0, 20)) }
}

interface Served {
  readonly engine: Engine
  readonly mirror: Mirror
  readonly log: Log
  readonly lines: () => string
  /** Stops; nothing in the folders may have changed. */
  readonly end: () => Promise<void>
}

async function serve(t: ExecutionContext, ...dirs: string[]): Promise<Served> {
  const before = await Promise.all(dirs.map(folderState))
  const told = collectingLogger()
  const mirror = await mirrorFolders(dirs, await temporaryFolder(t), told.log)
  const more = { readOnly: true, nodeId: mirror.nodeId }
  const engine = await startEngine(t, { dirs: mirror.dirs.map((dir) => dir.path), topic, more })
  const log = (await engine.manager.whenReady('t', 0))!
  const end = async () => {
    await engine.stop()
    t.deepEqual(await Promise.all(dirs.map(folderState)), before)
  }
  return { engine, mirror, log, end, lines: () => [...told.lines, ...engine.lines].join('\n') }
}

function expected(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `r${Math.floor(index / 5)}-${index % 5}`.padEnd(100, '.'))
}

async function read(log: Log): Promise<string[]> {
  return (await readAll(log)).map(({ value }) => value!.toString())
}

test('a folder that was closed in an orderly way: its own indexes are used', async (t) => {
  const { dir } = await filled(t)
  const { log, mirror, end } = await serve(t, dir)
  t.deepEqual(await read(log), expected(150))
  t.is((await readAll(log, 77))[0]!.offset, 77)
  const names = await readdir(path.join(mirror.dirs[0]!.path, 't-0'), { withFileTypes: true })
  t.true(names.filter((entry) => entry.isSymbolicLink()).length > 6)
  t.deepEqual(
    names.filter((entry) => entry.isFile() && /\.(index|timeindex|log)$/.test(entry.name)),
    []
  )
  await end()
})

test('what is no file, and no folder of a partition, keeps only that partition from being served', async (t) => {
  const { dir, folder, bases } = await filled(t)
  for (const partition of [1, 2]) await cp(folder, path.join(dir, `t-${partition}`), { recursive: true })
  const index = path.join(dir, 't-1', `${bases.at(-1)}.index`)
  await rm(index)
  await mkdir(index)
  await rm(path.join(dir, 't-2', 'leader-epoch-checkpoint'))
  await mkdir(path.join(dir, 't-2', 'leader-epoch-checkpoint'))
  await writeFile(path.join(dir, 't-3'), '')
  const { engine, log, lines, end } = await serve(t, dir)
  t.deepEqual(await read(log), expected(150))
  await t.throwsAsync(engine.manager.whenReady('t', 1), { code: 'ENOTSUP', message: /\.index is no file/ })
  t.deepEqual(await read((await engine.manager.whenReady('t', 2))!), expected(150))
  t.is(await engine.manager.whenReady('t', 3), undefined)
  t.regex(lines(), /t-3 has the name of a partition and is no folder/)
  await end()
})

test('a log of the mirror is not appended to', async (t) => {
  const { dir } = await filled(t)
  const { engine, log, end } = await serve(t, dir)
  t.not((await append(engine, log, values(1))).errorCode, 0)
  t.is(log.endOffset, 150)
  await end()
})

test('a killed broker: a torn end is not served', async (t) => {
  const { dir, folder, bases } = await filled(t, true)
  const last = path.join(folder, `${bases.at(-1)}.log`)
  await appendFile(last, (await readFile(last)).subarray(0, 100))
  await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), '0\n1\nt 0 20\n')
  const { log, lines, end } = await serve(t, dir)
  t.deepEqual(await read(log), expected(150))
  t.regex(lines(), /t-0 ends in 100 bytes that are no whole batch, at offset 150/)
  await end()
})

test('bad bytes in the middle: served is what comes before them', async (t) => {
  const { dir, folder, bases } = await filled(t, true)
  const file = path.join(folder, `${bases[1]}.log`)
  const bytes = await readFile(file)
  bytes.fill(0xee, 1000, 1100)
  await writeFile(file, bytes)
  await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), '0\n1\nt 0 0\n')
  const { log, end } = await serve(t, dir)
  t.true(log.endOffset > Number(bases[1]) && log.endOffset < Number(bases[2]))
  t.deepEqual(await read(log), expected(log.endOffset))
  await end()
})

const breakages: readonly [name: string, wreck: (dir: string, folder: string, bases: string[]) => Promise<unknown>][] = [
  ['missing indexes', (_, folder, bases) => Promise.all(['index', 'timeindex'].map((end) => rm(path.join(folder, `${bases[1]}.${end}`))))],
  ['one missing index', (_, folder, bases) => rm(path.join(folder, `${bases[1]}.index`))],
  // As an orderly stop that is contradicted by its own checkpoint: everything is read, and indexes are made anew.
  ['a wrong recovery point', (dir) => writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), '0\n1\nt 0 3\n')],
  ['a checkpoint of another version', (dir) => writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), '1\n1\nt 0 150\n')],
  ['an index with zeros at its end', (_, folder, bases) => appendFile(path.join(folder, `${bases.at(-1)}.index`), Buffer.alloc(4096))],
  ['leader epochs of another version', (_, folder) => writeFile(path.join(folder, 'leader-epoch-checkpoint'), '7\n')],
  ['an unknown partition.metadata', (_, folder) => writeFile(path.join(folder, 'partition.metadata'), 'version: 3\n')],
  ['a broken snapshot', (_, folder) => writeFile(path.join(folder, '00000000000000000150.snapshot'), 'xyz')],
  ['foreign files', (dir, folder) => Promise.all([dir, folder].map((one) => writeFile(path.join(one, 'notes'), 'mine')))]
]

for (const [name, wreck] of breakages) {
  for (const killed of [false, true]) {
    test(`${name}, after ${killed ? 'a kill' : 'an orderly stop'}`, async (t) => {
      const { dir, folder, bases } = await filled(t, killed)
      await wreck(dir, folder, bases)
      const { log, end } = await serve(t, dir)
      t.deepEqual(await read(log), expected(150))
      t.is((await readAll(log, 33))[0]!.offset, 33)
      await end()
    })
  }
}

test('a compaction that was killed before it had put its segment in place', async (t) => {
  const { dir, folder, bases } = await filled(t, true)
  for (const suffix of ['.log', '.index', '.timeindex'])
    await rename(path.join(folder, bases[1] + suffix), path.join(folder, `${bases[1]}${suffix}.swap`))
  const { log, end } = await serve(t, dir)
  t.deepEqual(await read(log), expected(150))
  await end()
})

test('several folders of one broker; of two brokers, or one named twice: refused', async (t) => {
  const first = await filled(t)
  const second = path.join(await temporaryFolder(t), 'second')
  await mkdir(second)
  await cp(first.folder, path.join(second, 'u-3'), { recursive: true })
  const meta = await readFile(path.join(first.dir, 'meta.properties'), 'utf8')
  await writeFile(path.join(second, 'meta.properties'), meta.replace(/^directory\.id=.*$/m, 'directory.id=AAAAAAAAAAAAAAAAAAAAbQ'))
  await writeFile(path.join(second, '.kafka_cleanshutdown'), '')
  await writeFile(path.join(second, 'recovery-point-offset-checkpoint'), '0\n1\nu 3 150\n')
  const { engine, log, mirror, end } = await serve(t, first.dir, second)
  t.deepEqual(
    mirror.partitions.map((one) => `${one.topic}-${one.partition}`),
    ['t-0', 'u-3']
  )
  t.deepEqual(await read((await engine.manager.whenReady('u', 3))!), expected(150))
  t.deepEqual(await read(log), expected(150))
  await end()
  const temp = await temporaryFolder(t)
  const { log: logger } = collectingLogger()
  await t.throwsAsync(mirrorFolders([first.dir, first.dir], temp, logger), { instanceOf: ConfigError, message: /is named twice/ })
  for (const [name, other] of [
    ['node.id', meta.replace(/node\.id=1/, 'node.id=5')],
    ['cluster.id', meta.replace(/cluster\.id=.*/, 'cluster.id=someone-else')]
  ] as const) {
    await writeFile(path.join(second, 'meta.properties'), other)
    const message = /second is of node \d+ of the cluster .*, .* of another broker/
    await t.throwsAsync(mirrorFolders([first.dir, second], temp, logger), { instanceOf: ConfigError, message }, name)
  }
  t.deepEqual(await readdir(temp), [])
})

test('a folder that changes underneath: the file is named, its partition is not served any more, others are', async (t) => {
  for (const [change, found] of [
    [(file: string) => rm(file), /ENOENT: .*t-0\/.*: the file is not as it was when it was opened; its partition is not served any more/],
    [(file: string) => truncate(file, 100), /ENODATA: .*t-0\/.*: the file is not as it was when it was opened/]
  ] as const) {
    const { dir, folder, bases } = await filled(t)
    await cp(folder, path.join(dir, 'u-0'), { recursive: true })
    const { log, engine, lines } = await serve(t, dir)
    const other = (await engine.manager.whenReady('u', 0))!
    await change(path.join(folder, `${bases[2]}.log`))
    t.is((await log.read(0, 1000, Infinity, true)).errorCode, ErrorCode.NONE)
    t.is((await log.read(Number(bases[2]), 1000, Infinity, true)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    t.is((await log.read(0, 1000, Infinity, true)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    t.regex(lines(), found)
    t.true(engine.manager.dirs[0]!.online)
    t.deepEqual(await read(other), expected(150))
    await engine.stop()
  }
})
