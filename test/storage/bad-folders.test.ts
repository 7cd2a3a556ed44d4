/** Data folders that are not as they should be: a start names what it finds, and deletes nothing that it did not understand. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ConfigError } from '../../src/errors.js'
import { append, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

async function filled(t: ExecutionContext): Promise<{ dir: string; folder: string }> {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 10; round++) await append(engine, log, values(5, `r${round}-`, 100))
  await log.deleteRecordsBefore(20)
  await engine.stop()
  return { dir: engine.dir, folder: path.join(engine.dir, 't-0') }
}

async function reopened(t: ExecutionContext, dir: string): Promise<{ engine: Engine; lines: string }> {
  const engine = await startEngine(t, { dir })
  await engine.manager.whenReady('t', 0)
  return { engine, lines: engine.lines.join('\n') }
}

test('foreign files and folders are named and left alone', async (t) => {
  const { dir } = await filled(t)
  await writeFile(path.join(dir, 'notes.txt'), 'mine')
  await mkdir(path.join(dir, 'backup'))
  await writeFile(path.join(dir, 'backup', '00000000000000000000.log'), 'mine too')
  const { engine, lines } = await reopened(t, dir)
  t.regex(lines, /holds what is not of a data folder: backup, notes\.txt; it is left alone/)
  t.is((await readAll(engine.manager.get('t', 0)!)).length, 30)
  await engine.stop()
  t.is(await readFile(path.join(dir, 'notes.txt'), 'utf8'), 'mine')
  t.is(await readFile(path.join(dir, 'backup', '00000000000000000000.log'), 'utf8'), 'mine too')
})

for (const name of ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint', 'cleaner-offset-checkpoint']) {
  for (const [what, content, found] of [
    ['of a later version', '1\n1\nt 0 50 more\n', /unknown version 1/],
    ['that is no checkpoint', 'hello\n', /not a number: "hello"/],
    ['that is cut off', '0\n3\nt 0 50\n', /3 entries announced, 1 there/]
  ] as const) {
    test(`a ${name} ${what} is named and kept`, async (t) => {
      const { dir } = await filled(t)
      await writeFile(path.join(dir, name), content)
      const { engine, lines } = await reopened(t, dir)
      t.regex(lines, found)
      t.regex(lines, new RegExp(`${name}: .*; the file is not used, and kept as ${name}\\.unreadable`))
      t.is(engine.manager.get('t', 0)!.endOffset, 50)
      await engine.stop()
      t.is(await readFile(path.join(dir, `${name}.unreadable`), 'utf8'), content)
      const again = await reopened(t, dir)
      t.notRegex(again.lines, /unreadable|not of a data folder/)
    })
  }
}

test('a second one does not take the place of the first', async (t) => {
  const { dir } = await filled(t)
  const file = path.join(dir, 'recovery-point-offset-checkpoint')
  for (const content of ['7\nfirst\n', '8\nsecond\n']) {
    await writeFile(file, content)
    await (await reopened(t, dir)).engine.stop()
  }
  t.is(await readFile(`${file}.unreadable`, 'utf8'), '7\nfirst\n')
  t.is(await readFile(`${file}.unreadable.1`, 'utf8'), '8\nsecond\n')
})

for (const [what, content, found] of [
  ['of a later version', 'version: 1\ntopic_id: ZzRKCMH6RiOrZrm6jFyUaw\nmore: 1\n', /partition\.metadata: version is 1, only 0 is known/],
  ['without a version', 'topic_id: ZzRKCMH6RiOrZrm6jFyUaw\n', /partition\.metadata: version is missing/],
  ['without an id', 'version: 0\ntopic_id: x\n', /partition\.metadata names no topic id/]
] as const) {
  test(`a partition.metadata ${what}: the partition does not open, is not given to another topic, and stays`, async (t) => {
    const { dir, folder } = await filled(t)
    await writeFile(path.join(folder, 'partition.metadata'), content)
    const before = await readdir(folder)
    const engine = await startEngine(t, { dir })
    await t.throwsAsync(engine.manager.whenReady('t', 0, TOPIC_ID), { message: found })
    t.regex(engine.lines.join('\n'), new RegExp(`t-0 in .* can not be opened: .*${found.source}`))
    await engine.stop()
    t.deepEqual(await readdir(folder), before)
    t.is(await readFile(path.join(folder, 'partition.metadata'), 'utf8'), content)
  })
}

for (const [what, change, found] of [
  ['of another node', (text: string) => text.replace('node.id=1', 'node.id=9'), /node\D*9/],
  [
    'of a later version',
    (text: string) => text.replace('version=1', 'version=2'),
    /meta\.properties: version is 2, only 0 and 1 are known/
  ],
  [
    'with the id that metadata give to lost directories',
    (text: string) => text.replace(/^directory\.id=.*$/m, 'directory.id=AAAAAAAAAAAAAAAAAAAAAQ'),
    /directory\.id AAAAAAAAAAAAAAAAAAAAAQ is reserved/
  ],
  ['without a cluster id', (text: string) => text.replace(/^cluster\.id=.*\n/m, ''), /meta\.properties: cluster\.id is missing/]
] as const) {
  test(`meta.properties ${what}: the start ends and says so; nothing changes`, async (t) => {
    const { dir } = await filled(t)
    const file = path.join(dir, 'meta.properties')
    await writeFile(file, change(await readFile(file, 'utf8')))
    const before = await readdir(dir)
    await t.throwsAsync(startEngine(t, { dir }), { instanceOf: ConfigError, message: found })
    t.deepEqual(await readdir(dir), before)
  })
}

for (const [what, change, found] of [
  [
    'of a later version',
    (text: string) => text.replace('version=1', 'version=2'),
    /other is offline: .*version is 2, only 0 and 1 are known/
  ],
  ['without a node id', (text: string) => text.replace(/^node\.id=.*\n/m, ''), /other is offline: .*node\.id is missing or no number/],
  ['without a cluster id', (text: string) => text.replace(/^cluster\.id=.*\n/m, ''), /other is offline: .*cluster\.id is missing/],
  ['with an id that is none', (text: string) => text.replace(/^directory\.id=.*$/m, 'directory.id=x'), /other is offline: .*is no id: x/]
] as const) {
  test(`meta.properties ${what} take one of several folders offline, as in Kafka; nothing in it changes`, async (t) => {
    const { dir, other, file } = await twoFolders(t)
    await writeFile(file, change(await readFile(file, 'utf8')))
    const before = await readdir(other)
    const engine = await startEngine(t, { dirs: [dir, other] })
    t.deepEqual(
      engine.manager.dirs.map(({ online }) => online),
      [true, false]
    )
    t.regex(engine.lines.join('\n'), found)
    t.is((await append(engine, (await engine.manager.whenReady('t', 0))!, values(1))).errorCode, 0)
    await engine.stop()
    t.deepEqual(await readdir(other), before)
  })
}

for (const [what, change, found] of [
  ['with a reserved id', (text: string) => text.replace(/^directory\.id=.*$/m, 'directory.id=AAAAAAAAAAAAAAAAAAAAAQ'), /is reserved/],
  ['of a broker with ZooKeeper', () => 'version=0\nbroker.id=1\n', /cluster\.id is missing/],
  [
    'of another broker with ZooKeeper',
    (text: string) => old(text).replace('broker.id=1', 'broker.id=2'),
    /belongs to the node 2, not to 1/
  ],
  ['of no broker', (text: string) => old(text).replace('broker.id=1\n', ''), /broker\.id is missing/]
] as const) {
  test(`meta.properties ${what} in one of several folders: the start ends, as Kafka's`, async (t) => {
    const { dir, other, file } = await twoFolders(t)
    await writeFile(file, change(await readFile(file, 'utf8')))
    await t.throwsAsync(startEngine(t, { dirs: [dir, other] }), { instanceOf: ConfigError, message: found })
  })
}

test('meta.properties of version 0 that name this cluster and node are ours, as in Kafka', async (t) => {
  const { dir, other, file } = await twoFolders(t)
  await writeFile(file, old(await readFile(file, 'utf8')))
  const engine = await startEngine(t, { dirs: [dir, other] })
  t.true(engine.manager.dirs.every(({ online }) => online))
  await engine.stop()
})

/** As Kafka wrote it before it called brokers nodes. */
function old(text: string): string {
  return text.replace('version=1', 'version=0').replace('node.id', 'broker.id')
}

async function twoFolders(t: ExecutionContext) {
  const { dir } = await filled(t)
  const other = path.join(await temporaryFolder(t), 'other')
  await (await startEngine(t, { dirs: [dir, other] })).stop()
  return { dir, other, file: path.join(other, 'meta.properties') }
}

test('two folders of two clusters: the start ends and names both', async (t) => {
  const { dir } = await filled(t)
  const other = path.join(await temporaryFolder(t), 'other')
  await cp(dir, other, { recursive: true })
  const text = await readFile(path.join(other, 'meta.properties'), 'utf8')
  await writeFile(
    path.join(other, 'meta.properties'),
    text.replace(/cluster\.id=.*/, 'cluster.id=someone-else').replace(/^directory\.id=.*$/m, 'directory.id=AAAAAAAAAAAAAAAAAAAAbQ')
  )
  const message = /someone-else/
  await t.throwsAsync(startEngine(t, { dirs: [dir, other] }), { instanceOf: ConfigError, message })
  t.true((await readdir(other)).includes('.kafka_cleanshutdown'))
})

test('two brokers on one folder: the second is told of the lock, and changes nothing', async (t) => {
  const { dir } = await filled(t)
  const { engine } = await reopened(t, dir)
  await t.throwsAsync(startEngine(t, { dir }), {
    instanceOf: ConfigError,
    message: /is in use by another broker: it holds the lock .*\.lock/
  })
  t.is((await append(engine, engine.manager.get('t', 0)!, values(1))).errorCode, 0)
})

test('a deleted topic takes along what was set aside, and leaves foreign files', async (t) => {
  const { dir, folder } = await filled(t)
  await writeFile(path.join(folder, '00000000000000000007.snapshot.unreadable'), 'x')
  await writeFile(path.join(folder, 'keep.me'), 'x')
  const { engine } = await reopened(t, dir)
  await engine.manager.delete('t', 0)
  await engine.stop()
  const left = (await readdir(dir)).find((name) => name.endsWith('-delete'))!
  t.deepEqual(await readdir(path.join(dir, left)), ['keep.me'])
})

test('meta.properties as Java may write it: escapes, other separators and comments', async (t) => {
  const clusterId = 'a:b=c#d'
  const dir = path.join(await temporaryFolder(t), 'data')
  const first = await startEngine(t, { dir, more: { clusterId } })
  await first.stop()
  const file = path.join(dir, 'meta.properties')
  t.true((await readFile(file, 'utf8')).includes('cluster.id=a\\:b\\=c\\#d\n'), 'Java would read something else')
  const written = '!by hand\nversion: 1\n  node.id 1\ncluster.id = a:\\u0062=c\\\n    \\#d \n'
  await writeFile(file, written)
  const again = await startEngine(t, { dir, more: { clusterId } })
  await again.stop()
  await t.throwsAsync(startEngine(t, { dir, more: { clusterId: 'other' } }), { instanceOf: ConfigError, message: /cluster a:b=c#d/ })
})
