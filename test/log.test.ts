import test from 'ava'
import { openLog, programLogger, silentLogger, type LogOptions, type OpenLog } from '../src/log.js'

async function capture(options: Partial<LogOptions> = {}): Promise<{ log: OpenLog; lines: string[]; at: { ms: number } }> {
  const lines: string[] = []
  const at = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 6) }
  const log = await openLog({ write: (line) => lines.push(line), now: () => at.ms, ...options })
  return { log, lines, at }
}

test('text: one line with time and level', async (t) => {
  const { log, lines } = await capture()
  log.debug('hidden')
  log.info('data in /x')
  log.error('broken')
  t.deepEqual(lines, ['2026-01-02 03:04:05.006 INFO  data in /x\n', '2026-01-02 03:04:05.006 ERROR broken\n'])
})

test('the level may change; silent writes nothing', async (t) => {
  const { log, lines } = await capture({ level: 'silent' })
  log.error('a')
  log.level = 'debug'
  log.debug('b')
  t.is(lines.length, 1)
})

test('what a client sends can not forge a line', async (t) => {
  const { log, lines } = await capture()
  log.warn('client x\nforged\u001b[31m\u2028')
  t.is(lines.length, 1)
  t.is(lines[0]?.slice(24), 'WARN  client x | forged\\u001b[31m\\u2028\n')
})

test('json: level, time and message', async (t) => {
  const { log, lines } = await capture({ format: 'json' })
  log.warn('slow')
  t.deepEqual(JSON.parse(lines[0] ?? ''), { level: 'warn', time: '2026-01-02T03:04:05.006Z', msg: 'slow' })
})

test('limited: one line for each key and interval, with the number of those left out', async (t) => {
  const { log, lines, at } = await capture()
  for (let i = 0; i < 5; i++) log.limited('bad frame', 1000).warn(`bad frame ${i}`)
  log.limited('other', 1000).warn('other')
  at.ms += 1000
  log.limited('bad frame', 1000).warn('bad frame 5')
  const messages = lines.map((line) => line.slice(30).trim())
  t.deepEqual(messages, ['bad frame 0', 'other', 'bad frame 5 (4 like it left out)'])
})

test('keys without end do not take memory without end', async (t) => {
  const { log, lines } = await capture()
  for (let i = 0; i < 5000; i++) log.limited(`key ${i}`, 1e9).info('x')
  t.is(lines.length, 5000)
})

test("the log of a program needs four methods: of what is limited it gets what is due, and no line is another's", (t) => {
  const told: string[] = []
  const tell = (message: string): void => void told.push(message)
  const log = programLogger({ debug: tell, info: tell, warn: tell, error: tell })
  for (let i = 0; i < 3; i++) log.limited('a', 1e9).error(`a ${i}`)
  log.limited('b', 1e9).warn('b\nforged')
  log.info('c')
  t.deepEqual(told, ['a 0', 'b | forged', 'c'])
  t.is(programLogger(silentLogger), silentLogger)
  t.is(programLogger(undefined), silentLogger)
})

test('the silent logger takes everything', (t) => {
  t.notThrows(() => silentLogger.limited('a', 1).error('x'))
})
