/** Levels of the parts of a broker: their own, or that of the root. */
import test from 'ava'
import { openLog, silentLogger, type Logger } from '../src/log.js'
import { Loggers, ROOT } from '../src/loggers.js'

async function captured(level: 'info' | 'warn' = 'info') {
  const lines: string[] = []
  const log = await openLog({ level, write: (line) => lines.push(line.trim().replace(/^\S+ \S+ /, '')), now: () => 0 })
  const loggers = new Loggers(log)
  const take = () => lines.splice(0)
  return { log, loggers, take }
}

function sayAll(log: Logger): void {
  log.debug('d')
  log.info('i')
  log.warn('w')
  log.error('e')
}

test('a part without a level of its own has that of the root, as it is now', async (t) => {
  const { log, loggers, take } = await captured()
  const storage = loggers.named('sluice.storage')
  sayAll(storage)
  t.deepEqual(take(), ['INFO  i', 'WARN  w', 'ERROR e'])
  log.level = 'error'
  sayAll(storage)
  t.deepEqual(take(), ['ERROR e'])
  t.is(loggers.levels().get('sluice.storage'), 'ERROR')
  t.is(loggers.levels().get(ROOT), 'ERROR')
})

test('a part may say more or less than the root, until its level is taken back', async (t) => {
  const { loggers, take } = await captured('warn')
  const [storage, network] = [loggers.named('sluice.storage'), loggers.named('sluice.network')]
  loggers.set('sluice.storage', 'TRACE')
  loggers.set('sluice.network', 'FATAL')
  sayAll(storage)
  t.deepEqual(take(), ['DEBUG d', 'INFO  i', 'WARN  w', 'ERROR e'])
  sayAll(network)
  t.deepEqual(take(), [])
  t.is(loggers.levels().get('sluice.storage'), 'TRACE')
  loggers.set('sluice.storage', undefined)
  sayAll(storage)
  t.deepEqual(take(), ['WARN  w', 'ERROR e'])
})

test('the level of the root is that of the log', async (t) => {
  const { log, loggers, take } = await captured()
  loggers.set(ROOT, 'ERROR')
  sayAll(log)
  sayAll(loggers.named('sluice.requests'))
  t.deepEqual(take(), ['ERROR e', 'ERROR e'])
  log.level = 'info'
  t.is(loggers.levels().get(ROOT), 'INFO', 'set by sluice.log.level since')
})

test('lines that are limited stay so, and a logger of a program is left as it is', async (t) => {
  const { loggers, take } = await captured()
  const network = loggers.named('sluice.network')
  loggers.set('sluice.network', 'DEBUG')
  network.limited('key', 1000).debug('one')
  network.limited('key', 1000).debug('two')
  t.deepEqual(take(), ['DEBUG one'])
  const own = new Loggers(silentLogger)
  sayAll(own.named('sluice.storage'))
  own.set(ROOT, 'WARN')
  t.is(own.levels().get('sluice.storage'), 'WARN')
})
