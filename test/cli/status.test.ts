/** `sluice status` as a process, beside a broker with traffic, a killed one, and folders that are none of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import type { BrokerStatus } from '../../src/broker/status.js'
import { rateText, statusText } from '../../src/cli/status-text.js'
import { bytes, count, duration, share, table } from '../../src/cli/table.js'
import { STATUS_SOCKET } from '../../src/network/status-sockets.js'
import { foreignBroker, startBroker, startChildBroker } from '../support/broker.js'
import { root, run } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'
import { fetchRecords, produceValue } from '../support/traffic.js'

const MAIN = path.join(root, 'dist/src/cli/main.js')
const ownTest = foreignBroker ? test.skip : test
const sluiceStatus = (...args: string[]) => run(process.execPath, [MAIN, 'status', ...args])

async function busyBroker(t: ExecutionContext, settings: Record<string, string> = {}) {
  const dir = path.join(await tempDir(t), 'data')
  const broker = await startBroker({ dir, topics: { orders: 2, quiet: 1 }, settings })
  t.teardown(() => broker.stop())
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  await produceValue(client, 'orders', Buffer.alloc(200_000, 1))
  await fetchRecords(client, 'orders', 0, 1 << 20)
  return { broker, dir, client }
}

ownTest('the table: listeners, topics, paths, page cache', async (t) => {
  const { broker, dir } = await busyBroker(t, { 'sluice.transfer.mode': 'sendfile' })
  const { code, stdout, stderr } = await sluiceStatus('--dir', dir)
  t.is(stderr, '')
  t.is(code, 0)
  t.regex(stdout, /^broker +Sluice \d+\.\d+\.\d+, node 1 of cluster \S+, pid \d+$/m)
  t.regex(stdout, /^transfer +sendfile: /m)
  t.regex(
    stdout,
    new RegExp(
      `^PLAINTEXT ${broker.bootstrap.replaceAll('.', '\\.')} +1 +2 +195\\.\\d KiB +195\\.\\d KiB +\\d+ B +195\\.4 KiB +0 +0 +0$`,
      'm'
    )
  )
  t.regex(stdout, /^orders +2 +195\.4 KiB +1 +195\.4 KiB +1 +195\.4 KiB +195\.4 KiB +0 +0 +0$/m)
  t.regex(stdout, /^quiet +1 +0 /m)
  t.regex(stdout, /^PLAINTEXT +100 % +\d+ % +0 +0 +0 +-$/m)
})

ownTest('as JSON, found through a settings file with several folders', async (t) => {
  const dir = await tempDir(t)
  const file = path.join(dir, 'server.properties')
  const dirs = ['a', 'b'].map((name) => path.join(dir, name))
  writeFileSync(file, `log.dirs=${dirs.join(', ')}\n`)
  const broker = await startBroker({ settings: { 'log.dirs': dirs.join(',') } })
  t.teardown(() => broker.stop())
  for (const args of [[file], ['--dir', dirs[1]!]]) {
    const { code, stdout } = await sluiceStatus('--json', ...args)
    t.is(code, 0)
    const status = JSON.parse(stdout) as BrokerStatus
    t.is(status.schema, 1)
    t.is(status.process.pid, process.pid)
    t.deepEqual(
      status.dirs.map((each) => each.path),
      dirs
    )
  }
})

ownTest('--watch goes on until it is told to stop, with figures per second', async (t) => {
  const { dir, client } = await busyBroker(t)
  const child = spawn(process.execPath, [MAIN, 'status', '--dir', dir, '--watch', '0.1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  let looks = 0
  for await (const line of lines) {
    if (line.startsWith('broker')) await fetchRecords(client, 'orders', 0, 1 << 20)
    if (line.startsWith('per second') && ++looks === 3) child.kill('SIGINT')
  }
  if (child.exitCode === null) await once(child, 'close')
  t.is(child.exitCode, 0)
})

ownTest('no broker, a stopped one, a killed one: one line each, and exit code 1', async (t) => {
  const dir = await tempDir(t)
  const data = path.join(dir, 'data')
  const refused = async (folder: string, pattern: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await sluiceStatus('--dir', folder)
    t.deepEqual([code, stdout], [1, ''])
    t.regex(stderr, pattern)
    t.is(stderr.trimEnd().split('\n').length, 1)
  }
  await refused(data, /^sluice: there is no folder .*data/)
  writeFileSync(data, '')
  await refused(data, /^sluice: there is no folder .*data/)
  const { code, stderr } = await run(process.execPath, [MAIN, 'start', '--port', '0', '--dir', data])
  t.deepEqual([code, stderr.trim().split('\n').at(-1)], [1, `sluice: ${data}: it is not a folder (ENOTDIR)`])
  rmSync(data)
  mkdirSync(data)
  await refused(data, /^sluice: .* is no data folder/)
  const broker = await startChildBroker({ dir: data })
  t.is((await sluiceStatus('--dir', data)).code, 0)
  await broker.kill()
  t.true(existsSync(path.join(data, STATUS_SOCKET)))
  await refused(data, /^sluice: no broker serves .*: the last one was killed/)
  const next = await startChildBroker({ dir: data })
  t.is((await sluiceStatus('--dir', data)).code, 0)
  await next.stop()
  await refused(data, /^sluice: no broker serves .*: there is no .*\.sluice\.sock/)
})

ownTest("the socket of another folder's broker is refused, and so is what is no broker", async (t) => {
  const dir = await tempDir(t)
  const [mine, other] = ['mine', 'other'].map((name) => path.join(dir, name)) as [string, string]
  await (await startBroker({ dir: mine })).stop()
  const broker = await startBroker({ dir: other })
  t.teardown(() => broker.stop())
  renameSync(path.join(other, STATUS_SOCKET), path.join(mine, STATUS_SOCKET))
  const { code, stderr } = await sluiceStatus('--dir', mine)
  t.is(code, 1)
  t.regex(stderr, /not the one of this folder/)
  for (const answer of ['', 'nonsense', 'null', '{"schema":99}']) {
    const liar = net.createServer((socket) => socket.end(answer)).listen(path.join(other, STATUS_SOCKET))
    await once(liar, 'listening')
    const result = await sluiceStatus('--dir', other)
    t.is(result.code, 1)
    t.regex(result.stderr, /^sluice: the broker of .* (busy|does not know)/)
    liar.close()
    await once(liar, 'close')
  }
})

test('wrong usage', async (t) => {
  for (const seconds of ['0', 'x', '-1', '1e9']) t.is((await sluiceStatus('--watch', seconds)).code, 2)
  t.is((await sluiceStatus('no-such.properties')).code, 1)
})

test('numbers for people', (t) => {
  t.deepEqual([0, 1, 1023, 1024, 1536, 1024 * 1024 - 1, 32 * 1024, 5 * 2 ** 40].map(bytes), [
    '0',
    '1 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '1 MiB',
    '32 KiB',
    '5 TiB'
  ])
  t.deepEqual([0, 999, 1000, 1_234_567].map(count), ['0', '999', '1,000', '1,234,567'])
  t.deepEqual([0, 0.42, 12, 3210, 303_000, 7_500_000, 273_600_000].map(duration), [
    '0',
    '0.4 ms',
    '12 ms',
    '3.2 s',
    '5 min 3 s',
    '2 h 5 min',
    '3 d 4 h'
  ])
  t.deepEqual(
    [
      [0, 0],
      [1, 1],
      [99_999, 100_000],
      [1, 3]
    ].map(([part, whole]) => share(part!, whole!)),
    ['-', '100 %', '99.9 %', '33.3 %']
  )
  t.is(
    table([
      ['a', 'bb'],
      ['ccc', 'd']
    ]),
    'a    bb\nccc   d\n'
  )
})

ownTest('rates are of the time between two looks, and a broker that was started anew begins at its totals', async (t) => {
  const { dir, client } = await busyBroker(t)
  const before = JSON.parse((await sluiceStatus('--json', '--dir', dir)).stdout) as BrokerStatus
  await fetchRecords(client, 'orders', 0, 1 << 20)
  const looked = JSON.parse((await sluiceStatus('--json', '--dir', dir)).stdout) as BrokerStatus
  const later = { ...looked, uptimeMs: before.uptimeMs + 2000 }
  const text = rateText(before, later)
  t.regex(text ?? '', /^orders +2 +195\.4 KiB +0 +0 +1 +97\.7 KiB/m)
  t.notRegex(text ?? '', /^quiet/m)
  t.is(rateText(before, { ...later, startedAt: before.startedAt + 1 }), undefined)
  t.regex(statusText(looked), /^orders +2 +195\.4 KiB +1 +195\.4 KiB +2 +390\.8 KiB/m)
})
