/** Several log directories: which may be taken, where partitions go, and what a broken one does to the others. */
import fsp, { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { append, startEngine, temporaryFolder, TOPIC_ID, values } from './support.js'

async function dirsOf(t: ExecutionContext, ...names: string[]): Promise<string[]> {
  const base = await temporaryFolder(t)
  return names.map((name) => path.join(base, name))
}

test('two paths to one folder, and two copies of one folder, are named', async (t) => {
  const dirs = await dirsOf(t, 'one', 'link', 'copy')
  const [one, link, copy] = dirs as [string, string, string]
  await mkdir(one)
  await symlink(one, link)
  const same = await t.throwsAsync(startEngine(t, { dirs: [one, link] }), { name: 'ConfigError' })
  t.is(same?.message, `Duplicate log directory found: ${one} and ${link} are the same folder`)
  const engine = await startEngine(t, { dirs: [one] })
  const id = engine.manager.dirs[0]!.directoryId
  await engine.stop()
  await cp(one, copy, { recursive: true })
  const twice = await t.throwsAsync(startEngine(t, { dirs: [one, copy] }), { name: 'ConfigError' })
  t.is(twice?.message, `Duplicate directory ID ${id} found. It was the ID of ${one} and ${copy}: one is a copy of the other`)
  await startEngine(t, { dirs: [one] })
})

test('directories of two clusters, or of two nodes, are named; each gets an id of its own', async (t) => {
  const [one, two, three] = (await dirsOf(t, 'one', 'two', 'three')) as [string, string, string]
  const first = await startEngine(t, { dirs: [one, two] })
  const { clusterId } = first.manager
  t.is(new Set(first.manager.dirs.map((dir) => dir.directoryId)).size, 2)
  await first.stop()
  const other = await startEngine(t, { dirs: [three] })
  const theirs = other.manager.clusterId
  await other.stop()
  await t.throwsAsync(startEngine(t, { dirs: [one, three] }), {
    name: 'ConfigError',
    message: `${three} belongs to the cluster ${theirs}, not to ${clusterId}`
  })
  const meta = await readFile(path.join(two, 'meta.properties'), 'utf8')
  await writeFile(path.join(two, 'meta.properties'), meta.replace('node.id=1', 'node.id=7'))
  await t.throwsAsync(startEngine(t, { dirs: [one, two] }), { name: 'ConfigError', message: `${two} belongs to the node 7, not to 1` })
})

test('one of several directories that another broker holds ends the start', async (t) => {
  const [one, two] = (await dirsOf(t, 'one', 'two')) as [string, string]
  await startEngine(t, { dirs: [two] })
  const error = await t.throwsAsync(startEngine(t, { dirs: [one, two] }), { name: 'ConfigError' })
  t.regex(error!.message, /two is in use by another broker: it holds the lock .*two\/\.lock/)
  await startEngine(t, { dirs: [one] })
})

test('one that does not work at the start is offline, the other serves; that of the metadata may not fail', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two')
  const [one, two] = dirs as [string, string]
  await writeFile(two, 'a file')
  const engine = await startEngine(t, { dirs })
  const [first, second] = await engine.manager.describe()
  t.like(first, { path: one, errorCode: ErrorCode.NONE })
  t.true(first!.totalBytes > 0 && first!.usableBytes > 0)
  t.like(second, { path: two, errorCode: ErrorCode.KAFKA_STORAGE_ERROR, totalBytes: -1 })
  for (let partition = 0; partition < 3; partition++) {
    t.is(path.dirname((await engine.manager.create('t', partition, TOPIC_ID, engine.config())).folder), one)
  }
  t.is(engine.manager.moves.refusal('t', 0, two), ErrorCode.KAFKA_STORAGE_ERROR)
  await engine.stop()
  await t.throwsAsync(startEngine(t, { dirs, more: { metadataDir: two } }), {
    name: 'ConfigError',
    message: /two, which holds the metadata log, can not be used: /
  })
  await rm(one, { recursive: true })
  await writeFile(one, 'a file')
  await t.throwsAsync(startEngine(t, { dirs }), { name: 'ConfigError', message: /no log directory can be used/ })
})

test('new partitions go where the fewest are, also after deletions and restarts', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two', 'three')
  const first = await startEngine(t, { dirs })
  const counts = (engine: typeof first) => engine.manager.dirs.map((dir) => dir.partitionCount)
  for (let partition = 0; partition < 7; partition++) await first.manager.create('t', partition, TOPIC_ID, first.config())
  t.deepEqual(counts(first), [3, 2, 2])
  await first.manager.delete('t', 0)
  await first.manager.delete('t', 3)
  t.deepEqual(counts(first), [1, 2, 2])
  t.is(path.dirname((await first.manager.create('u', 0, TOPIC_ID, first.config())).folder), dirs[0]!)
  await first.stop()
  const second = await startEngine(t, { dirs })
  t.deepEqual(counts(second), [2, 2, 2])
})

test('a directory in which nothing can be created goes offline; the last one ends the broker', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two')
  const engine = await startEngine(t, { dirs })
  const fatal: string[] = []
  engine.manager.onFatal = (message) => void fatal.push(message)
  await rename(dirs[0]!, `${dirs[0]!}.gone`)
  await t.throwsAsync(engine.manager.create('t', 0, TOPIC_ID, engine.config()), { name: 'StorageError' })
  t.false(engine.manager.dirs[0]!.online)
  t.deepEqual(await readdir(path.dirname(dirs[0]!)), ['one.gone', 'two'], 'it was not made anew')
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  t.is(path.dirname(log.folder), dirs[1]!)
  t.is((await append(engine, log, values(1))).baseOffset, 0)
  t.deepEqual(fatal, [])
  await rename(dirs[1]!, `${dirs[1]!}.gone`)
  await t.throwsAsync(engine.manager.dirs[1]!.saveRecoveryPoints(), { name: 'StorageError' })
  t.is(fatal.length, 1)
  t.regex(fatal[0]!, /all log directories have failed, .*two as the last one/)
  t.is((await append(engine, log, values(1))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
})

test('the directory of the metadata log ends the broker, whatever the others do', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two', 'meta')
  const engine = await startEngine(t, { dirs: dirs.slice(0, 2), more: { metadataDir: dirs[2]! } })
  t.deepEqual(
    (await engine.manager.describe()).map((dir) => dir.path),
    dirs.slice(0, 2),
    'it is no directory for partitions'
  )
  const fatal: string[] = []
  engine.manager.onFatal = (message) => void fatal.push(message)
  await rename(dirs[2]!, `${dirs[2]!}.gone`)
  await t.throwsAsync(engine.manager.dirs[2]!.saveLogStarts())
  t.regex(fatal.join(), /the directory of the metadata log, .*meta, has failed/)
})

test('a creation that failed in one directory and went on in another leaves no dispute', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two')
  const [one, two] = dirs as [string, string]
  const first = await startEngine(t, { dirs })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config(), two)
  await append(first, log, values(3))
  await first.stop()
  await mkdir(path.join(one, 't-0'))
  await cp(path.join(two, 't-0', 'partition.metadata'), path.join(one, 't-0', 'partition.metadata'))

  const again = await startEngine(t, { dirs })
  t.is((await again.manager.whenReady('t', 0))!.endOffset, 3)
  t.is(again.manager.dirOf('t', 0)!.path, two)
  t.regex(again.lines.join('\n'), /one holds no segment of it. The other one is kept as .*-stray/)
  await again.stop()

  // Neither was written to.
  await rm(path.join(two, 't-0'), { recursive: true })
  await Promise.all(dirs.map((dir) => mkdir(path.join(dir, 't-0'))))
  const empty = await startEngine(t, { dirs })
  t.is((await empty.manager.whenReady('t', 0))!.endOffset, 0)
})

test('a partition in two directories: the metadata says which one; else neither is touched', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two')
  const [one, two] = dirs as [string, string]
  const first = await startEngine(t, { dirs })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  await append(first, log, values(3))
  const ids = first.manager.dirs.map((dir) => dir.directoryId)
  await first.stop()
  await cp(path.join(one, 't-0'), path.join(two, 't-0'), { recursive: true })

  const unsaid = await startEngine(t, { dirs })
  await t.throwsAsync(unsaid.manager.whenReady('t', 0), { name: 'StorageError', message: /several log directories/ })
  t.regex(unsaid.lines.join('\n'), /Duplicate log directories for t-0 are found in both/)
  await unsaid.stop()

  const said = await startEngine(t, { dirs, more: { assignedDir: () => ids[1] } })
  t.is((await said.manager.whenReady('t', 0))!.endOffset, 3)
  t.is(said.manager.dirOf('t', 0)!.path, two)
  t.regex(
    (await readdir(one)).find((name) => name.startsWith('t-0'))!,
    /^t-0\.[0-9a-f]{32}-stray$/
  )
})

test('a log of a topic that is no more, in a directory that had failed, is not taken for the new one of that name', async (t) => {
  const dirs = await dirsOf(t, 'one', 'two')
  const [one, two] = dirs as [string, string]
  const other = 'mYr5s0nHTBavGGLWkL3hYw'
  const first = await startEngine(t, { dirs })
  const old = await first.manager.create('t', 0, TOPIC_ID, first.config())
  t.is(path.dirname(old.folder), one)
  await append(first, old, values(3))
  await first.manager.create('u', 0, other, first.config(), two)
  await first.stop()
  // As if it had been created while the directory did not work, and the broker killed before it said where.
  await rename(path.join(two, 'u-0'), path.join(two, 't-0'))
  const assignedDir = (_topic: string, topicId: string) => (topicId === other ? ZERO_UUID : undefined)
  const second = await startEngine(t, { dirs, more: { assignedDir } })
  t.is((await second.manager.whenReady('t', 0, other))!.topicId, other)
  t.is(second.manager.dirOf('t', 0)!.path, two)
  t.regex((await readdir(one)).join(' '), /t-0\.[0-9a-f]{32}-stray/)
})

test('what a crash in the middle of the first start leaves is no reason not to start', async (t) => {
  const dirs = await dirsOf(t, 'one')
  await mkdir(dirs[0]!)
  for (const name of ['meta.properties', 'recovery-point-offset-checkpoint', 'log-start-offset-checkpoint', 'cleaner-offset-checkpoint'])
    await writeFile(path.join(dirs[0]!, `${name}.tmp`), '0\n')
  const engine = await startEngine(t, { dirs })
  t.is((await append(engine, await engine.manager.create('t', 0, TOPIC_ID, engine.config()), values(1))).baseOffset, 0)
})

test.serial('meta.properties that a killed process left is flushed before anything else is written', async (t) => {
  const dirs = await dirsOf(t, 'one')
  await (await startEngine(t, { dirs })).drop()
  const flushed: string[][] = []
  const { open } = fsp
  fsp.open = async (...[file, flags, mode]: Parameters<typeof open>) => {
    if (file === dirs[0]) flushed.push(await readdir(dirs[0]!))
    return open(file, flags, mode)
  }
  syncBuiltinESMExports()
  try {
    await startEngine(t, { dirs })
  } finally {
    fsp.open = open
    syncBuiltinESMExports()
  }
  t.deepEqual(flushed[0]?.toSorted(), ['.lock', 'meta.properties'])
})
