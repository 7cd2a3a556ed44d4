/** What a power cut leaves of segments that have their room reserved (`preallocate`), and give it back when they end. */
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { Mercy } from '../../src/cli/crash-disk.js'
import { JournalOp } from '../../src/cli/crash-journal.js'
import { offsetName, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, ManualClock, readAll, values } from '../storage/support.js'
import { serialWithFaults } from '../support/faults.js'
import { DONE, isSyncedBetween, play, type Aftermath } from './directed.js'
import { PREALLOCATED } from './preallocate-scenes.js'
import { checkpointOf, FOLDER } from './scenes.js'

async function open(after: Aftermath, dir: string) {
  const engine = await after.open(dir, { topic: PREALLOCATED, clock: new ManualClock() })
  return { engine, log: (await engine.manager.whenReady('t', 0))! }
}

function logOf(base: number): string {
  return path.join('data', FOLDER, `${offsetName(base)}.log`)
}

/** The entries that give the room of a segment's file back. */
function trims(after: Aftermath, base: number): number[] {
  return after.entries.flatMap(({ op, path: name }, at) => (op === JournalOp.truncate && name === logOf(base) ? [at] : []))
}

/** As they are read: their sizes are those of what was written, and no more. */
async function isWhole(t: ExecutionContext, after: Aftermath, cut: string, end: number): Promise<void> {
  t.deepEqual(await verifyFolder(path.join(cut, FOLDER)), [])
  const { engine, log } = await open(after, cut)
  t.is((await readAll(log)).length, end)
  t.is((await append(engine, log, values(1))).baseOffset, end)
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(cut, FOLDER)), [])
}

/** After a power cut that may have left anything of what was not flushed. */
async function survivesAnyCut(t: ExecutionContext, after: Aftermath, mark: string, least: number): Promise<void> {
  for (let seed = 1; seed <= 8; seed++) {
    const cut = await after.cutAt(mark, Mercy.some, seed)
    const { engine, log } = await open(after, cut)
    const { endOffset } = log
    t.true(endOffset >= least, `${endOffset} at ${mark}, seed ${seed}`)
    t.is((await readAll(log)).length, endOffset)
    t.is((await append(engine, log, values(1))).baseOffset, endOffset)
    await engine.stop()
    t.deepEqual(await verifyFolder(path.join(cut, FOLDER)), [], `seed ${seed}`)
  }
}

serialWithFaults('preallocated segments give their room back when they end, and are as they were written behind a power cut', async (t) => {
  const after = await play(t, 'preallocated segments')
  const { entries } = after
  for (const base of [0, 12, 24, 36]) {
    const [at] = trims(after, base)
    const written = entries.findLastIndex(({ op, path: name }) => op === JournalOp.write && name === logOf(base))
    t.true(at !== undefined && at > written, `${base}`)
    t.is(entries[at!]!.length, entries[written]!.offset + entries[written]!.length, 'to the end of what was written')
    t.true(isSyncedBetween(entries, logOf(base), at!, after.at(base < 36 ? 'rolled' : DONE)), `${base}: before it counts as flushed`)
  }
  await survivesAnyCut(t, after, 'rolled', 36)
  const rolled = await after.cutAt('rolled')
  t.is(await checkpointOf(rolled, RECOVERY_POINT_FILE), 36)
  await isWhole(t, after, rolled, 36)
  const done = await after.cutAt(DONE)
  const { engine } = await open(after, done)
  t.true(engine.manager.cleanStart)
  await engine.stop()
  await isWhole(t, after, done, 48)
})

serialWithFaults('room that a seal gives back while a flush is under way is flushed by another one', async (t) => {
  const after = await play(t, 'preallocated segment that is sealed beside a flush')
  const [at] = trims(after, 0)
  t.true(at !== undefined && at < after.at('sealed'))
  t.true(isSyncedBetween(after.entries, logOf(0), at!, after.at(DONE)))
  await survivesAnyCut(t, after, 'sealed', 0)
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 20)
  await isWhole(t, after, cut, 20)
})

serialWithFaults('room that a killed process had reserved is given back by who goes on with the segment', async (t) => {
  const after = await play(t, 'preallocated segments that a killed process has left')
  t.true(trims(after, 0).length > 0)
  const cut = await after.cutAt(DONE)
  t.is(await checkpointOf(cut, RECOVERY_POINT_FILE), 28)
  await isWhole(t, after, cut, 28)
  await isWhole(t, after, after.dir, 28)
})
