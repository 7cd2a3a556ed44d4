import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { LogDirectory, type Log, type SegmentInfo } from '../../../src/storage/index.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../../', import.meta.url))

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-documents-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** What each program of docs/storage.md prints, in their order. */
const PRINTED = [
  /^0 \{"total":12\}\n$/,
  /^\[ 0, 1, 2 \]\n$/,
  /^1700000000001 tick 1\n1700000000002 tick 2\n1700000000003 tick 3\n1\n$/,
  /^0 alice -10\n1 bob \+10\naborted: 3 to 5\nnot decided: 6 to 7\n$/,
  /^1001\n$/,
  /^[78] segments deleted; true\n1\n$/,
  /^1000 records, 3 kept\n997 size = 997\n998 shape = 998\n999 color = 999\n$/,
  /^true 1\n0 first\n1 another\n$/,
  /^orders-0 0 kept\nPOLICY_VIOLATION\n$/
]

test('the programs of docs/storage.md run as they stand there', async (t) => {
  const guide = await readFile(path.join(root, 'docs/storage.md'), 'utf8')
  const programs = [...guide.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
  t.is(programs.length, PRINTED.length)
  // Inside of the package, so that they import it by its name.
  const folder = path.join(root, 'dist', 'documents')
  await mkdir(folder, { recursive: true })
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const cwd = await temporary(t)
  for (const [index, program] of programs.entries()) {
    const file = path.join(folder, `${index}.mjs`)
    await writeFile(file, program)
    const { stdout, stderr } = await run(process.execPath, [file], { cwd })
    t.regex(stdout, PRINTED[index]!)
    t.is(stderr, '')
  }
})

test('the event store keeps its accounts over restarts and refuses what was decided on an old state', async (t) => {
  const folder = await temporary(t)
  const example = path.join(root, 'examples/event-store.mjs')
  const store = (...args: string[]) => run(process.execPath, [example, folder, ...args])
  await store('deposit', 'alice', '30')
  t.is((await store('withdraw', 'alice', '10')).stdout, 'alice 20\n')
  const refused = await t.throwsAsync<Error & { stderr: string; code: number }>(store('withdraw', 'alice', '21'))
  t.regex(refused!.stderr, /alice has only 20/)
  t.is((await store('show')).stdout, 'alice 20\n')
  const { EventStore } = (await import(example)) as { EventStore: { open(folder: string): Promise<Store> } }
  const open = await EventStore.open(folder)
  const both = await Promise.allSettled([open.record({ name: 'bob', amount: 1 }, 0), open.record({ name: 'bob', amount: 2 }, 0)])
  t.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected']
  )
  await open.close()
})

interface Store {
  record(event: { name: string; amount: number }, version: number): Promise<void>
  close(): Promise<void>
}

test('the log file server answers range requests with the bytes of the file', async (t) => {
  const folder = await temporary(t)
  const directory = await LogDirectory.open(folder)
  const log = await directory.log('events')
  await log.append({ value: Buffer.alloc(900_000, 'x') })
  const [segment] = log.segments()
  await directory.close()
  const bytes = await readFile(segment!.file)
  const server = spawn(process.execPath, [path.join(root, 'examples/log-file-server.mjs'), folder, 'events', '0'])
  t.teardown(() => server.kill('SIGKILL'))
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const list = String(line).trim()
  const url = new URL('/segments/0', list)
  t.deepEqual(await (await fetch(list)).json(), [{ url: '/segments/0', size: bytes.length }])
  const whole = await fetch(url)
  t.is(whole.status, 200)
  t.true(Buffer.from(await whole.arrayBuffer()).equals(bytes))
  for (const [range, first, last] of [
    ['bytes=0-99', 0, 99],
    ['bytes=500-', 500, bytes.length - 1],
    ['bytes=-10', bytes.length - 10, bytes.length - 1],
    [`bytes=5-${bytes.length * 2}`, 5, bytes.length - 1]
  ] as const) {
    const part = await fetch(url, { headers: { range } })
    t.is(part.status, 206)
    t.is(part.headers.get('content-range'), `bytes ${first}-${last}/${bytes.length}`)
    t.true(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(first, last + 1)))
  }
  t.is((await fetch(url, { headers: { range: `bytes=${bytes.length}-` } })).status, 416)
  t.is((await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-9', 'if-range': '"other"' } })).status, 200)
  const [first, second, third] = await pipelined(url, ['0-9', '10-700000', '5-6'])
  t.true(first!.equals(bytes.subarray(0, 10)) && second!.equals(bytes.subarray(10, 700_001)) && third!.equals(bytes.subarray(5, 7)))
  t.is((await fetch(new URL('/segments/1', list))).status, 404)
  t.is((await fetch(url, { method: 'HEAD' })).headers.get('content-length'), String(bytes.length))
  server.kill('SIGTERM')
  const [code] = (await once(server, 'exit')) as [number]
  t.is(code, 0)
})

test('the log file server says that a segment is gone which went while its request waited for the one before', async (t) => {
  const folder = await temporary(t)
  await using directory = await LogDirectory.open(path.join(folder, 'data'), { settings: { 'log.segment.delete.delay.ms': '0' } })
  const log = await directory.log('events', { settings: { 'segment.bytes': '4194304' } })
  for (let i = 0; i < 10; i++) await log.append({ value: Buffer.alloc(900_000, i) })
  const [first] = log.segments() as [SegmentInfo]
  const bytes = await readFile(first.file)
  const { serve } = (await import(path.join(root, 'examples/log-file-server.mjs'))) as { serve: (log: Log) => Server }
  // A Unix socket takes much less at a time than a segment has.
  const at = path.join(folder, 'socket')
  const server = serve(log).listen(at)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const socket = connect(at)
  const request = (more: string) => `GET /segments/0 HTTP/1.1\r\nhost: x\r\n${more}\r\n`
  socket.write(request('') + request('connection: close\r\n'))
  await once(socket, 'readable')
  await log.deleteBefore(log.segments()[1]!.baseOffset)
  t.is(await log.applyRetention(), 1)
  const answer = await buffer(socket)
  const body = answer.indexOf('\r\n\r\n') + 4
  t.true(answer.subarray(body, body + bytes.length).equals(bytes))
  t.regex(answer.toString('latin1', body + bytes.length), /^HTTP\/1.1 404 /)
})

/** The bodies of range requests that are all sent before the first answer is read. */
async function pipelined(url: URL, ranges: readonly string[]): Promise<Buffer[]> {
  const socket = connect(Number(url.port), url.hostname)
  for (const [index, range] of ranges.entries()) {
    const end = index === ranges.length - 1 ? 'connection: close\r\n' : ''
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: x\r\nrange: bytes=${range}\r\n${end}\r\n`)
  }
  const answer = await buffer(socket)
  const bodies: Buffer[] = []
  for (let at = 0; at < answer.length;) {
    const body = answer.indexOf('\r\n\r\n', at) + 4
    const length = Number(/content-length: (\d+)/i.exec(answer.toString('latin1', at, body))![1])
    bodies.push(answer.subarray(body, body + length))
    at = body + length
  }
  return bodies
}

test('the library loads nothing of broker, network or cluster', async (t) => {
  const seen = new Set<string>()
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return
    seen.add(file)
    const source = await readFile(file, 'utf8')
    for (const [, target] of source.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) await visit(path.resolve(path.dirname(file), target!))
  }
  await visit(path.join(root, 'dist/src/storage/index.js'))
  const folders = new Set([...seen].map((file) => path.relative(path.join(root, 'dist/src'), file).split(path.sep)[0]!))
  t.deepEqual([...folders].sort(), ['clock.js', 'config', 'errors.js', 'log.js', 'native', 'package.js', 'protocol', 'record', 'storage'])
  t.false([...seen].some((file) => file.includes('/protocol/messages/')))
})
