/**
 * `sluice serve --read-only` as people use it: on a file system that is mounted read-only, on folders that were not closed, that a broker uses, that
 * may not be read. Each time one clear line, and nothing in the folders has changed.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, readdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Broker } from '../../src/index.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { buildBatch, decodeRecords } from '../../src/record/index.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { folderState } from '../support/folder-state.js'
import { firstLine, root, run, type Finished } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const MAIN = path.join(root, 'dist/src/cli/main.js')
const PATIENCE_MS = 15_000
const TOPIC = 'orders'
const NOBODY = 65_534

const isRoot = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0
const testAsRoot = isRoot ? test : test.skip
const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0
const testWithMounts = canMount ? test : test.skip
const own = foreignBroker ? test.skip : test

/** A data folder with `count` records in each of two partitions, of a broker that was stopped, or killed; with several folders, spread over them. */
async function dataOf(t: ExecutionContext, { killed = false, folders = 1, count = 30 } = {}): Promise<string[]> {
  const base = await tempDir(t)
  const dirs = Array.from({ length: folders }, (_, index) => path.join(base, `data${index}`))
  const broker = await (folders === 1 ? startChildBroker({ dir: dirs[0]!, topics: { [TOPIC]: 2 } }) : startInProcess(dirs))
  const client = await RawClient.connect(broker)
  for (const index of [0, 1]) {
    for (let at = 0; at < count; at += 10) {
      const records = buildBatch(Array.from({ length: 10 }, (_, one) => ({ value: Buffer.from(`${index}/${at + one}`) })))
      const partitionData = [{ index, records }]
      const answer = await client.request(produce, 9, { acks: -1, timeoutMs: 5000, topicData: [{ name: TOPIC, partitionData }] })
      t.is(answer.responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE)
    }
  }
  client.close()
  await (killed && 'kill' in broker ? broker.kill() : broker.stop())
  return dirs
}

async function startInProcess(dirs: readonly string[]): Promise<{ host: string; port: number; stop: () => Promise<void> }> {
  const broker = await Broker.start({ port: 0, topics: { [TOPIC]: 2 }, settings: { 'log.dirs': dirs.join(',') } })
  return { host: '127.0.0.1', port: broker.port, stop: () => broker.stop() }
}

interface Served {
  readonly child: ChildProcess
  readonly client: RawClient
  readonly log: () => string
}

async function serve(t: ExecutionContext, dirs: readonly string[], command: readonly string[] = []): Promise<Served> {
  const temp = await tempDir(t)
  await chmod(temp, 0o777)
  const [program = process.execPath, ...args] = [
    ...command,
    process.execPath,
    MAIN,
    'serve',
    '--read-only',
    '--port',
    '0',
    '--temp',
    temp,
    ...dirs
  ]
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const port = Number(/bootstrap=\S+:(\d+)/.exec(await firstLine(child, 'ready'))![1])
  return { child, client: await RawClient.connect({ host: '127.0.0.1', port }), log: () => log }
}

async function end({ child, client }: Served): Promise<void> {
  client.close()
  const gone = once(child, 'close')
  child.kill('SIGTERM')
  await gone
}

async function read({ client }: Served, partition: number): Promise<string[]> {
  for (const until = Date.now() + PATIENCE_MS; ; await delay(20)) {
    const wanted = { partition, currentLeaderEpoch: -1, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1024 * 1024 }
    const { responses } = await client.request(fetch, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1024 * 1024,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: TOPIC, partitions: [wanted] }],
      forgottenTopicsData: [],
      rackId: ''
    })
    const { errorCode, records } = responses[0]!.partitions[0]!
    if (errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER && Date.now() < until) continue
    if (errorCode !== ErrorCode.NONE) throw new Error(`error ${errorCode}`)
    return [...decodeRecords(Buffer.from(records as Uint8Array))].map(({ value }) => value!.toString())
  }
}

const expected = (partition: number, count = 30) => Array.from({ length: count }, (_, index) => `${partition}/${index}`)

function refused(dirs: readonly string[], temp: string): Promise<Finished> {
  return run(process.execPath, [MAIN, 'serve', '--read-only', '--port', '0', '--temp', temp, ...dirs])
}

for (const killed of [false, true]) {
  const state = killed ? 'was not closed' : 'was closed in order'
  own(`a folder that ${state} is served, and stays as it is`, async (t) => {
    const dirs = await dataOf(t, { killed })
    const before = await folderState(dirs[0]!)
    t.is('.kafka_cleanshutdown' in before, !killed)
    const served = await serve(t, dirs)
    for (const partition of [0, 1]) t.deepEqual(await read(served, partition), expected(partition))
    await end(served)
    t.is(served.child.exitCode, 0, served.log())
    t.notRegex(served.log(), /ERROR/)
    if (killed) t.regex(served.log(), /was not closed/)
    t.deepEqual(await folderState(dirs[0]!), before)
  })

  testWithMounts(`a folder that ${state}, on a file system that is mounted read-only`, async (t) => {
    const dirs = await dataOf(t, { killed })
    const dir = dirs[0]!
    const before = await folderState(dir)
    // In a mount namespace of its own, which goes with the process.
    const mounts = `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && ! touch "$1/x" 2>/dev/null && shift && exec "$@"`
    const served = await serve(t, dirs, ['unshare', '--mount', 'sh', '-c', mounts, 'sh', dir])
    for (const partition of [0, 1]) t.deepEqual(await read(served, partition), expected(partition))
    await end(served)
    t.is(served.child.exitCode, 0, served.log())
    t.notRegex(served.log(), /ERROR|EROFS/)
    t.deepEqual(await folderState(dir), before)
  })
}

own('several folders of one broker, and one of several: what is not there is said', async (t) => {
  const dirs = await dataOf(t, { folders: 2 })
  const before = await Promise.all(dirs.map(folderState))
  const both = await serve(t, dirs)
  for (const partition of [0, 1]) t.deepEqual(await read(both, partition), expected(partition))
  await end(both)
  t.notRegex(both.log(), /in none of the folders/)
  const one = await serve(t, [dirs[0]!])
  t.regex(one.log(), /WARN {2}orders-\d: in none of the folders, so not served; a broker that has several log\.dirs/)
  await end(one)
  t.deepEqual(await Promise.all(dirs.map(folderState)), before)
})

own('a folder that a broker uses is refused, by one line', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  const broker = await startChildBroker({ dir, topics: { [TOPIC]: 1 } })
  const temp = await tempDir(t)
  const { code, stderr } = await refused([dir], temp)
  t.is(code, 1)
  t.is(stderr, `sluice: ${dir} is in use by a broker: serve a copy of it, or stop the broker\n`)
  t.deepEqual(await readdir(temp), [])
  await broker.stop()
})

own('a copy of a folder in use is served, as it was when it was copied', async (t) => {
  const base = await tempDir(t)
  const dir = path.join(base, 'data')
  const broker = await startChildBroker({ dir, topics: { [TOPIC]: 1 } })
  const copy = path.join(base, 'copy')
  await cp(dir, copy, { recursive: true, filter: (file) => !file.endsWith('.sock') })
  const served = await serve(t, [copy])
  t.deepEqual(await read(served, 0), [])
  await end(served)
  await broker.stop()
})

testAsRoot('a folder, and a file, that may not be read', async (t) => {
  const [dir] = (await dataOf(t)) as [string]
  const asNobody = (args: readonly string[]) =>
    spawnSync(process.execPath, args, { cwd: root, uid: NOBODY, gid: NOBODY, encoding: 'utf8', timeout: PATIENCE_MS })
  if (asNobody([MAIN, 'version']).status !== 0) {
    t.pass('this program may not be read by others')
    return
  }
  await chmod(path.dirname(dir), 0o755)
  const temp = await tempDir(t)
  await chmod(temp, 0o777)
  const attempt = () => asNobody([MAIN, 'serve', '--read-only', '--port', '0', '--temp', temp, dir])
  await chmod(dir, 0o700)
  const closed = attempt()
  t.is(closed.status, 1)
  t.regex(closed.stderr, /^sluice: \S+data0 can not be read: EACCES[^\n]*\n$/)
  await chmod(dir, 0o755)
  const log = path.join(dir, `${TOPIC}-1`, `${'0'.repeat(20)}.log`)
  await chmod(log, 0o600)
  const served = await serve(t, [dir], ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'])
  t.deepEqual(await read(served, 0), expected(0))
  t.true(served.log().includes(`EACCES: permission denied, access '${log}': its partition can not be served\n`), served.log())
  await end(served)
  await chmod(path.join(dir, `${TOPIC}-0`), 0o700)
  const inner = attempt()
  t.is(inner.status, 1)
  t.regex(inner.stderr, /^sluice: [^\n]*EACCES[^\n]*orders-0[^\n]*\n$/)
  t.deepEqual(await readdir(temp), [])
})
