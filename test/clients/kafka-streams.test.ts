/** Kafka Streams counts words with exactly_once_v2, and is killed in between. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { buildBatch } from '../../src/record/index.js'
import { startBroker } from '../support/broker.js'
import { haveTools, javaProgram } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { root } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'
import { Session } from '../takeover/session.js'
import { committed } from '../transactions/producer.js'

const streamsTest = haveTools ? test.serial : test.serial.skip
const WORDS = ['append', 'fetch', 'commit', 'abort', 'fence']
const LINES = 400
const WORDS_OF_A_LINE = 3
const PARTITIONS = 3

const lineOf = (index: number): string =>
  Array.from({ length: WORDS_OF_A_LINE }, (_, place) => WORDS[(index * index + place * 7) % WORDS.length]).join(' ')

streamsTest('a word count is exact, although the application is killed while it counts', async (t) => {
  t.timeout(180_000)
  const broker = await startBroker()
  t.teardown(() => broker.stop())
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  const state = await tempDir(t)
  const [application, input, output] = [uniqueName('word-count'), uniqueName('lines'), uniqueName('counts')]
  await session.createTopic(input, PARTITIONS)
  await session.createTopic(output, PARTITIONS)

  let complaints = ''
  t.teardown(() => {
    if (!t.passed) t.log(complaints)
  })
  const start = async (): Promise<ChildProcess> => {
    const args = await javaProgram(path.join(root, 'scripts/kafka/WordCount.java'), [broker.bootstrap, application, state, input, output])
    const child = spawn('java', args, { stdio: ['pipe', 'ignore', 'pipe'] })
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
    t.teardown(() => child.kill('SIGKILL'))
    return child
  }
  const send = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index++) {
      const records = buildBatch([{ value: Buffer.from(lineOf(index)) }], { timestamp: Date.now() })
      await session.send(input, index % PARTITIONS, records)
    }
  }
  const counted = async (): Promise<string[]> => {
    const parts = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => committed(session, output, partition)))
    return parts.flat()
  }
  const until = async (count: number): Promise<string[]> => {
    for (;;) {
      const counts = await counted()
      if (counts.length >= count) return counts
      await delay(100)
    }
  }

  await send(0, LINES / 2)
  const first = await start()
  await until(1)
  await send(LINES / 2, LINES)
  const ended = once(first, 'close')
  first.kill('SIGKILL')
  await ended

  const second = await start()
  await until(LINES * WORDS_OF_A_LINE)
  const closed = once(second, 'close')
  second.stdin!.end()
  t.deepEqual((await closed)[0], 0)

  const expected: string[] = []
  const counts = new Map<string, number>()
  for (let index = 0; index < LINES; index++) {
    for (const word of lineOf(index).split(' ')) {
      const count = (counts.get(word) ?? 0) + 1
      counts.set(word, count)
      expected.push(`${word} ${count}`)
    }
  }
  t.deepEqual((await counted()).toSorted(), expected.toSorted())
})
