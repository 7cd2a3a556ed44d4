import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { parseArguments, type Parsed, type StartRequest } from '../../src/cli/arguments.js'
import { ConfigError } from '../../src/errors.js'

function parse(...args: string[]): { parsed: Parsed; out: string; error: string } {
  let out = ''
  let error = ''
  const parsed = parseArguments(args, { out: (text) => (out += text), error: (text) => (error += text) })
  return { parsed, out, error }
}

function request(...args: string[]): StartRequest {
  const { parsed, error } = parse('start', ...args)
  if (parsed.command !== 'start') throw new Error(error)
  return parsed.request
}

test('start alone: loopback, 9092, ./data', (t) => {
  t.deepEqual(request(), { settings: { listeners: 'PLAINTEXT://127.0.0.1:9092', 'log.dirs': './data' }, topics: {} })
})

test('all options', (t) => {
  t.deepEqual(request('--port', '0', '--dir', '/d', '--pid-file', '/p', '--topic', 'a:3', '-t', 'b', '--set', 'x=1', '-s', 'y=a=b'), {
    settings: { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/d', x: '1', y: 'a=b' },
    topics: { a: 3, b: 1 },
    pidFile: '/p'
  })
})

test('a file gives settings, the command line is stronger', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'server.properties')
  writeFileSync(file, 'listeners=PLAINTEXT://h:1\nlog.dir=/from/file\nnum.partitions=5\n')
  t.deepEqual(request(file, '--set', 'num.partitions=6').settings, {
    listeners: 'PLAINTEXT://h:1',
    'log.dir': '/from/file',
    'num.partitions': '6'
  })
  t.is(request(file, '--port', '7').settings['listeners'], 'PLAINTEXT://127.0.0.1:7')
  t.is(request(file, '--dir', '/other').settings['log.dirs'], '/other')
})

test('a file that can not be read', (t) => {
  t.throws(() => parse('start', '/nowhere/server.properties'), {
    instanceOf: ConfigError,
    message: /\/nowhere\/server\.properties: there is none/
  })
  t.throws(() => parse('start', tmpdir()), { instanceOf: ConfigError, message: /it is a folder/ })
})

test('wrong usage: code 2 and what is allowed', (t) => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['start', '--port', '70000'], /0 to 65535/],
    [['start', '--port', 'x'], /0 to 65535/],
    [['start', '--topic', 'a:0'], /from 1 to/],
    [['start', '--topic', 'a b:1'], /topic name/],
    [['start', '--topic', '..:1'], /topic name/],
    [['start', '--set', 'novalue'], /name=value/],
    [['start', '--wrong'], /unknown option '--wrong'/],
    [['start', 'a', 'b'], /too many arguments/],
    [['begin'], /unknown command 'begin'/]
  ]
  for (const [args, message] of cases) {
    const { parsed, error } = parse(...args)
    t.deepEqual(parsed, { command: 'done', exitCode: 2 }, args.join(' '))
    t.regex(error, message)
  }
})

test('help has examples, on standard output, with code 0', (t) => {
  for (const args of [['--help'], ['start', '--help']]) {
    const { parsed, out } = parse(...args)
    t.deepEqual(parsed, { command: 'done', exitCode: 0 })
    t.regex(out, /Examples:\n {2}sluice start/)
  }
  t.regex(parse('start', '--help').out, /ready bootstrap=/)
  t.is(parse().parsed.command, 'done')
})

test('version', (t) => {
  for (const args of [['version'], ['--version'], ['-V'], ['--version', 'start'], ['start', '--version']])
    t.deepEqual(parse(...args).parsed, { command: 'version' })
})

test('status: the folders of the broker that was started in the same way', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-arguments-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'server.properties')
  writeFileSync(file, 'log.dirs=/a, /b\nmetadata.log.dir=/m\n')
  const status = (...args: string[]): unknown => {
    const { parsed, error } = parse('status', ...args)
    return parsed.command === 'status' ? parsed.request : error
  }
  t.deepEqual(status(), { dirs: ['./data'], json: false })
  t.deepEqual(status('--dir', '/d', '--json'), { dirs: ['/d'], json: true })
  t.deepEqual(status(file, '--watch'), { dirs: ['/m', '/a', '/b'], json: false, watchSeconds: 2 })
  t.deepEqual(status('--watch', '0.5'), { dirs: ['./data'], json: false, watchSeconds: 0.5 })
  t.regex(String(status('--watch', 'often')), /0\.1 to 86400/)
})

test('calibrate: nothing is applied unless that is asked for', (t) => {
  const calibrate = (...args: string[]): unknown => {
    const { parsed, error } = parse('calibrate', ...args)
    return parsed.command === 'calibrate' ? parsed.request : error
  }
  t.deepEqual(calibrate(), { json: false, seconds: 15 })
  t.deepEqual(calibrate('--apply', '--dir', '/d', '--seconds', '3', '--temp', '/t', '-j'), {
    json: true,
    seconds: 3,
    temp: '/t',
    applyTo: ['/d']
  })
  t.deepEqual(calibrate('--apply'), { json: false, seconds: 15, applyTo: ['./data'] })
})

test('serve needs --read-only; it takes folders, a port, settings', (t) => {
  const { parsed } = parse('serve', '--read-only', '--port', '0', '--set', 'a=b', '--temp', '/t', '/one', '/two')
  t.deepEqual(parsed, {
    command: 'serve',
    request: { dirs: ['/one', '/two'], settings: { a: 'b', listeners: 'PLAINTEXT://127.0.0.1:0' }, temp: '/t', commits: 'refuse' }
  })
  const { parsed: refused, error } = parse('serve', '/one')
  t.deepEqual(refused, { command: 'done', exitCode: 2 })
  t.regex(error, /--read-only must be given/)
  t.like(parse('serve', '--read-only', '--commits', 'memory', '/one').parsed, { request: { commits: 'memory' } })
  t.deepEqual(parse('serve', '--read-only', '--commits', 'disk', '/one').parsed, { command: 'done', exitCode: 2 })
})

test('log: repair changes nothing without --yes, and decoders are known by the names of Kafka too', (t) => {
  t.like(parse('log', 'repair', '/d').parsed, { request: { action: 'repair', yes: false } })
  t.like(parse('log', 'repair', '--yes', '--dry-run', '/d').parsed, { request: { yes: false } })
  t.like(parse('log', 'repair', '-y', '-q', '/q', '/d').parsed, { request: { yes: true, quarantine: '/q' } })
  t.like(parse('log', 'dump', '--value-decoder-class', 'org.apache.kafka.tools.api.LongDecoder', '--files', 'a,b').parsed, {
    request: { paths: ['a', 'b'], deep: true, decoder: { keys: 'string', values: 'long' } }
  })
  t.deepEqual(parse('log', 'dump', '--value-decoder-class', 'com.example.Mine', 'a').parsed, { command: 'done', exitCode: 2 })
  t.deepEqual(parse('log', 'verify').parsed, { command: 'done', exitCode: 2 })
})
