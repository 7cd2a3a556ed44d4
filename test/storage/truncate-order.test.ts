/** Emptying a log looks at its folder when nothing is on its way there any more: what comes later would outlive the log. */
import fsp from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import test from 'ava'
import { append, startEngine, TOPIC_ID, values } from './support.js'

const { readdir, writeFile } = fsp
/** Of the event loop: to look at the folder meanwhile takes one. */
const TURNS = 50

test('a snapshot of producers that is being written is waited for', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(4), { producerId: 7, producerEpoch: 0, baseSequence: 0 })
  const done: string[] = []
  fsp.readdir = ((...args: Parameters<typeof readdir>) => {
    done.push('look')
    return readdir(...args)
  }) as typeof readdir
  const begun = new Promise<void>((resolve) => {
    fsp.writeFile = async (...args) => {
      resolve()
      for (let turn = 0; turn < TURNS && done.length === 0; turn++) await new Promise(setImmediate)
      await writeFile(...args)
      done.push('snapshot')
    }
  })
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(fsp, { readdir, writeFile })
    syncBuiltinESMExports()
  })
  log.roll()
  await begun
  await log.truncateFullyAndStartAt(0)
  t.deepEqual(done, ['snapshot', 'look'])
  t.false((await readdir(log.folder)).some((name) => name.endsWith('.snapshot')))
})
