/**
 * The child of the kill -9 test of moves: writes to one partition, moves it from one directory to the other, and kills itself at the point that it
 * is told. Prints the offsets and values that were acknowledged. The metadata's word of where the partition is stands in a file.
 *
 *   SLUICE_KILL_AT=POINT move-forever.js BASE
 */
import { killAt } from '../support/kill-at-rename.js'
import { writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../../src/clock.js'
import { loadBrokerConfig, resolveTopicConfig } from '../../src/config/index.js'
import { Runtime } from '../../src/native/runtime.js'
import { buildBatch } from '../../src/record/index.js'
import { writeDurably } from '../../src/storage/files.js'
import { LogManager } from '../../src/storage/log-manager.js'
import { collectingLogger, TOPIC_ID } from './support.js'

const base = process.argv[2]!
const dirs = ['one', 'two'].map((name) => path.join(base, name))
const assignments = path.join(base, 'assigned')

const { config: broker } = loadBrokerConfig({})
const config = resolveTopicConfig(broker, new Map([['internal.segment.bytes', '100000']]))
const runtime = new Runtime()
const { log } = collectingLogger()
const word = await readFile(assignments, 'utf8').catch(() => '')
const manager = await LogManager.open({
  dirs,
  runtime,
  clock: systemClock(),
  log,
  config: broker,
  topicConfig: () => config,
  nodeId: 1,
  assignedDir: () => word,
  assignDir: async (_log, directoryId) => {
    killAt('before-decision')
    await writeDurably(assignments, directoryId)
    killAt('after-decision')
    return true
  }
})

let sequence = 0

async function write(): Promise<never> {
  for (;;) {
    const one = manager.get('t', 0)!
    const value = `${process.pid}-${sequence++}`
    const bytes = buildBatch([{ value: Buffer.from(value.padEnd(200, '.')) }], { timestamp: Date.now() })
    const frame = runtime.frameFrom(bytes)
    const { errorCode, lastOffset } = await one.append({ frame, offset: 0, length: bytes.length, origin: 'client', leaderEpoch: 0 })
    runtime.release(frame)
    if (errorCode === 0) writeSync(1, `acked ${lastOffset} ${value}\n`)
  }
}

const ready = (await manager.whenReady('t', 0)) ?? (await manager.create('t', 0, TOPIC_ID, config))
for (let count = 0; count < 4; count++) void write()
while (ready.endOffset < 300) await new Promise((resolve) => setTimeout(resolve, 1))
const target = dirs.find((dir) => dir !== manager.dirOf('t', 0)!.path)!
let copying = 0
const copy = setInterval(() => {
  if ((manager.moves.future('t', 0)?.endOffset ?? 0) > 0 && copying++ > 0) killAt('copying')
}, 0)
manager.onReplaced = () => {
  clearInterval(copy)
  killAt('replaced')
  // Some more is written where the partition is now.
  setTimeout(() => killAt('later'), 30)
}
await manager.moves.start('t', 0, target)
