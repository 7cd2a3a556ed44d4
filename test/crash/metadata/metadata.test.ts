/**
 * Kills and power cuts while metadata changes: every change that was answered is there, once and whole. More rounds: SLUICE_CRASH_ROUNDS=100 (of
 * each kind); a failing round says its seed and the command that repeats it.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { JournalOp } from '../../../src/cli/crash-journal.js'
import { METADATA_FOLDER } from '../../../src/metadata/local-controller.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { serialWithFaults } from '../../support/faults.js'
import { DONE, isSyncedBetween, play, type Aftermath } from '../directed.js'
import { rounds } from '../round-tests.js'
import { ask, stateOf, type State } from './model.js'
import { startNode } from './node.js'
import { metadataKillRound, metadataPowerRound } from './rounds.js'
import { CHANGES } from './scenes.js'

const STORAGE_ERROR = ErrorCode.KAFKA_STORAGE_ERROR

/** What the child has said behind `word`, in order. */
function told(after: Aftermath, word: string): string[] {
  const texts = after.entries.filter(({ op }) => op === JournalOp.mark).map(({ data }) => data.toString().trim())
  return texts.filter((text) => text.startsWith(`${word} `)).map((text) => text.slice(word.length + 1))
}

/** What a start finds, and that it can go on. */
async function found(t: ExecutionContext, dir: string): Promise<State> {
  const node = await startNode(path.dirname(dir))
  const state = stateOf(node.controller.image)
  t.is((await ask(node.controller, { kind: 'ids' })).errorCode, 0)
  await node.close()
  return state
}

function state(after: Aftermath): State {
  return JSON.parse(told(after, 'state').at(-1)!) as State
}

for (const scene of [
  'one change of each kind',
  'a folder that a killed process had made',
  'snapshots',
  'what a killed process had not flushed',
  'a change over several segments'
]) {
  serialWithFaults(`behind a power cut metadata are what was answered, and what a start has told: ${scene}`, async (t) => {
    const after = await play(t, `metadata: ${scene}`)
    t.deepEqual(Object.keys(state(after).topics), ['a', 'c', 'large'])
    t.deepEqual(await found(t, await after.cutAt(DONE)), state(after))
    t.deepEqual(await found(t, after.dir), state(after), 'and behind a kill')
  })
}

serialWithFaults('every kind of change was answered with success, and a snapshot takes the place of the log', async (t) => {
  const after = await play(t, 'metadata: one change of each kind')
  t.deepEqual(told(after, 'codes'), [CHANGES.map(() => 0).join(' ')])
  const snapshots = await play(t, 'metadata: snapshots')
  const { entries } = snapshots
  const named = entries.flatMap(({ op, to }, at) => (op === JournalOp.rename && to.endsWith('.checkpoint') ? [at] : []))
  const gone = entries.flatMap(({ op, path: name }, at) => (op === JournalOp.unlink && name.endsWith('.checkpoint') ? [at] : []))
  t.true(gone.length > 0)
  for (const at of gone) {
    const newest = named.findLast((before) => before < at)!
    t.true(isSyncedBetween(entries, path.join('data', METADATA_FOLDER), newest, at), 'an old one goes when the new one is there')
  }
  const names = await readdir(path.join(await snapshots.cutAt(DONE), METADATA_FOLDER))
  t.is(names.filter((name) => name.endsWith('.checkpoint')).length, 2)
  t.false(names.includes('00000000000000000000.log'))
})

serialWithFaults('a segment of the metadata log begins only when all before it is on the disk', async (t) => {
  const { entries } = await play(t, 'metadata: a change over several segments')
  const isLog = (name: string) => name.includes(METADATA_FOLDER) && name.endsWith('.log')
  const made = entries.flatMap(({ op, path: name }, at) => (op === JournalOp.create && isLog(name) ? [{ at, name }] : []))
  t.true(made.length > 3)
  for (const [index, { at, name }] of made.entries()) {
    const before = made[index - 1]
    if (before === undefined) continue
    const written = entries.findLastIndex((entry, number) => number < at && entry.op === JournalOp.write && entry.path === before.name)
    t.true(isSyncedBetween(entries, before.name, written, at), `${before.name} before ${name}`)
  }
})

serialWithFaults('of a change that had room for its first batches only nothing is there, and the next start goes on', async (t) => {
  const after = await play(t, 'metadata: room for half a change')
  // What the log holds is not known any more: nothing is written behind it.
  t.deepEqual([told(after, 'codes'), told(after, 'again')], [[String(STORAGE_ERROR)], [String(STORAGE_ERROR)]])
  t.deepEqual(await found(t, await after.cutAt(DONE)), state(after))
  t.deepEqual(await found(t, after.dir), state(after))
})

serialWithFaults('a change without room is refused, and the next one with room is made', async (t) => {
  const after = await play(t, 'metadata: no room')
  t.deepEqual([told(after, 'codes'), told(after, 'again')], [[`${STORAGE_ERROR} ${STORAGE_ERROR}`], ['0 0']])
  t.deepEqual(await found(t, await after.cutAt(DONE)), state(after))
})

serialWithFaults('a change whose flush fails is not acknowledged, nor in force', async (t) => {
  const after = await play(t, 'metadata: a sync that fails')
  t.deepEqual([told(after, 'codes'), told(after, 'next')], [[`${STORAGE_ERROR} ${STORAGE_ERROR}`], ['0']])
  t.deepEqual(await found(t, await after.cutAt(DONE)), state(after))
})

serialWithFaults('killed at any point, the controller has every change that it acknowledged', (t) => rounds(t, 3, metadataKillRound))

serialWithFaults('behind a power cut the controller has every change that it acknowledged', (t) => rounds(t, 3, metadataPowerRound))
