/** Apache Kafka's own dump-log reads what the engine writes: batches, both indexes, producer snapshots. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { RecordBatchBuilder } from '../../src/record/index.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { append, appendBytes, startEngine, TOPIC_ID, values } from './support.js'

const testWithTools = haveTools ? test.serial : test.serial.skip

testWithTools('dump-log finds nothing to complain about', async (t) => {
  const topic = { 'internal.segment.bytes': '20000', 'index.interval.bytes': '1000' }
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  let sequence = 0
  for (let round = 0; round < 60; round++) {
    await append(engine, log, values(5, `r${round}-`, 100), { producerId: 7, producerEpoch: 0, baseSequence: sequence }, round < 30 ? 0 : 2)
    sequence += 5
    const builder = new RecordBatchBuilder({ timestamp: engine.clock.now() })
    for (const record of values(5, `c${round}-`, 100)) builder.append(record)
    await appendBytes(engine, log, await builder.buildCompressed(1 + (round % 4)), 'client', round < 30 ? 0 : 2)
  }
  await engine.drop()
  const again = await startEngine(t, { dir: engine.dir, topic })
  await append(again, (await again.manager.whenReady('t', 0))!, values(3))
  await again.stop()
  const folder = path.join(engine.dir, 't-0')
  const names = (await readdir(folder)).filter((name) => /\.(log|index|timeindex|snapshot)$/.test(name)).toSorted()
  const files = names.map((name) => path.join(folder, name))
  const { code, stdout, stderr } = await runTool('dump-log', ['--deep-iteration', '--files', files.join(',')])
  t.is(code, 0, stderr)
  t.notRegex(stdout + stderr, /Mismatch|mismatch|error|Exception|corrupt|Non-secutive|out of order|invalid bytes/i, stdout.slice(0, 2000))
  t.is(stdout.match(/\| offset: /g)?.length, 603)
  t.regex(stdout, /producerId: 7 producerEpoch: 0/)
})
