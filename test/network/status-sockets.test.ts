/** The sockets of `sluice status`: who may open them, what becomes of leftovers, and that nobody can do harm through them. */
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Broker, type BrokerStatus } from '../../src/index.js'
import { silentLogger } from '../../src/log.js'
import { STATUS_SOCKET, StatusSockets, shortSocketPath } from '../../src/network/status-sockets.js'
import { tempDir } from '../support/temp-dir.js'

async function ask(dir: string): Promise<string> {
  const { path: address, folder } = await shortSocketPath(dir, STATUS_SOCKET)
  const socket = net.connect({ path: address })
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) text += chunk as string
  await folder?.close()
  return text
}

async function opened(t: ExecutionContext, dirs: string[], answer = () => '{}', warnings: string[] = []): Promise<StatusSockets> {
  const sockets = await StatusSockets.open(dirs, answer, { ...silentLogger, warn: (message) => void warnings.push(message) })
  t.teardown(() => sockets.close())
  return sockets
}

test('every log folder has one, for its owner alone, and none is left after the stop', async (t) => {
  const dir = await tempDir(t)
  const dirs = ['a', 'b'].map((name) => path.join(dir, name))
  const broker = await Broker.start({ settings: { 'log.dirs': dirs.join(',') } })
  t.teardown(() => broker.stop())
  for (const each of dirs) {
    const stat = lstatSync(path.join(each, STATUS_SOCKET))
    t.true(stat.isSocket())
    t.is(stat.mode & 0o777, 0o600)
    const status = JSON.parse(await ask(each)) as BrokerStatus
    t.is(status.clusterId, broker.clusterId)
    t.deepEqual(
      status.dirs.map((one) => one.path),
      dirs
    )
  }
  await broker.stop()
  for (const each of dirs) t.false(existsSync(path.join(each, STATUS_SOCKET)))
})

test('what a killed broker left behind, of any kind, is replaced', async (t) => {
  const dir = await tempDir(t)
  const left = net.createServer().listen(path.join(dir, STATUS_SOCKET))
  await once(left, 'listening')
  writeFileSync(path.join(dir, `${STATUS_SOCKET}.new`), '')
  await opened(t, [dir], () => 'new')
  t.is(await ask(dir), 'new\n')
  left.close()
})

test('a folder with a path that is too long for a socket', async (t) => {
  const dir = path.join(await tempDir(t), 'x'.repeat(120), 'y'.repeat(120))
  mkdirSync(dir, { recursive: true })
  const sockets = await opened(t, [dir], () => 'far')
  t.is(await ask(dir), 'far\n')
  await sockets.close()
  t.false(existsSync(path.join(dir, STATUS_SOCKET)))
})

test('a folder that takes no socket costs a warning, the others have theirs', async (t) => {
  const dir = await tempDir(t)
  const warnings: string[] = []
  mkdirSync(path.join(dir, 'bad', `${STATUS_SOCKET}.new`), { recursive: true })
  mkdirSync(path.join(dir, 'good'))
  await opened(t, [path.join(dir, 'bad'), path.join(dir, 'good')], () => 'ok', warnings)
  t.is(warnings.length, 1)
  t.true(warnings[0]!.includes(path.join(dir, 'bad')))
  t.is(await ask(path.join(dir, 'good')), 'ok\n')
})

test('what a reader sends is not read, and one that never reads or ends holds up nobody', async (t) => {
  const dir = await tempDir(t)
  const answer = `"${'z'.repeat(2_000_000)}"`
  let asked = 0
  const sockets = await opened(t, [dir], () => (asked++, answer))
  const lazy = net.connect({ path: path.join(dir, STATUS_SOCKET), allowHalfOpen: true }).pause()
  lazy.on('error', () => undefined)
  await once(lazy, 'connect')
  const flood = net.connect({ path: path.join(dir, STATUS_SOCKET) })
  flood.on('error', () => undefined)
  flood.write(Buffer.alloc(4 << 20))
  t.is((await ask(dir)).length, answer.length + 1)
  t.is(asked, 3)
  await sockets.close()
  lazy.destroy()
  flood.destroy()
})

test('so many readers at once and no more', async (t) => {
  const dir = await tempDir(t)
  const sockets = await opened(t, [dir], () => 'x'.repeat(2_000_000))
  const readers = Array.from({ length: 40 }, () => net.connect({ path: path.join(dir, STATUS_SOCKET) }))
  const refused = readers.map((reader) =>
    once(
      reader.on('error', () => undefined),
      'end'
    ).then(() => reader.bytesRead)
  )
  // Those above the limit are closed at once, without a byte.
  for (const reader of readers) reader.resume()
  const received = await Promise.all(refused)
  t.true(received.every((bytes) => bytes === 0 || bytes === 2_000_001))
  t.true(received.some((bytes) => bytes > 0))
  await sockets.close()
})
