/**
 * Wrong requests of groups and transactions get the errors of Apache Kafka, and change nothing. What it answered to some rounds of random requests is
 * recorded; SLUICE_DIFFERENTIAL_ROUNDS=n asks it anew, in n rounds, and compares also what both brokers tell of their groups and transactions afterwards
 * (SLUICE_DIFFERENTIAL_SEED: which requests; SLUICE_DIFFERENTIAL_RECORD=1: the recording is replaced).
 */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { fixturePath } from '../support/fixtures.js'
import { startKafka } from '../support/kafka-broker.js'
import { haveTools } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'
import { ownedTempDir } from '../support/temp-dir.js'
import { Session } from '../takeover/session.js'
import type { Choice } from './chances.js'
import { request, requestKinds, type Asked } from './requests.js'
import { CLOSED, Side, type State } from './side.js'

const ROUNDS = Number(process.env['SLUICE_DIFFERENTIAL_ROUNDS'] ?? 0)
const SEED = Number(process.env['SLUICE_DIFFERENTIAL_SEED'] ?? 1)
const RECORD = process.env['SLUICE_DIFFERENTIAL_RECORD'] === '1'
const RECORDED = 'differential/kafka-4.3.1.json'
const REQUESTS_OF_ROUND = 60
const SETTINGS = {
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'group.consumer.assignment.interval.ms': '0'
}

/** Those of one round, always the same. */
function* requestsOf(round: number, seed: number): Generator<Asked> {
  let state = (seed * 1000 + round) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const choice: Choice = { of: (...values) => values[Math.floor(next() * values.length)]! }
  for (let at = 0; at < REQUESTS_OF_ROUND; at++) yield request(Math.floor(next() * requestKinds), choice)
}

/** Every error code of an answer, with the place where it stands. */
function errors(answer: unknown, place = ''): string[] {
  if (answer === CLOSED) return [CLOSED]
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return []
  if (Array.isArray(answer)) return answer.flatMap((each, at) => errors(each, `${place}[${at}]`))
  return Object.entries(answer).flatMap(([name, value]) =>
    /errorCode$/i.test(name) ? [`${place}.${name}=${value as number}`] : errors(value, `${place}.${name}`)
  )
}

const textOf = ({ api, version }: Asked, body: object): string => `${api.name} v${version} ${JSON.stringify(body)}`

/** Asks, and complains of an error that has changed something. Gives what the answer says. */
async function askHere(side: Side, state: State, asked: Asked, complain: (text: string) => void): Promise<string[]> {
  const body = asked.body(state)
  const before = await side.snapshot(state)
  const answer = errors(await side.ask(asked.api, asked.version, body))
  const failed = answer.length > 0 && answer.every((one) => !one.endsWith('=0'))
  if (failed && !isDeepStrictEqual(await side.snapshot(state), before)) complain(`${textOf(asked, body)} has changed something`)
  return answer
}

const own = foreignBroker ? test.serial.skip : test.serial
own('what Apache Kafka answered to wrong requests is answered here', async (t) => {
  t.timeout(120_000)
  const recorded = JSON.parse(await readFile(fixturePath(RECORDED), 'utf8')) as string[][]
  const broker = await startBroker({ settings: SETTINGS })
  t.teardown(() => broker.stop())
  const side = new Side(await Session.connect(broker), broker)
  t.teardown(() => side.close())
  const differences: string[] = []
  let asked = 0
  for (const [round, expected] of recorded.entries()) {
    const state = await side.make(`r${round}`)
    let at = 0
    for (const each of requestsOf(round, 1)) {
      if (at === expected.length) break
      const actual = (await askHere(side, state, each, (text) => differences.push(text))).join(' ')
      if (actual !== expected[at]) differences.push(`${textOf(each, each.body(state))}\n  Kafka: ${expected[at]}\n  here:  ${actual}`)
      at++
      asked++
    }
  }
  t.log(`${asked} requests`)
  t.deepEqual(differences, [])
})

const live = haveTools && !foreignBroker && ROUNDS > 0 ? test.serial : test.serial.skip
live('wrong requests beside a real Apache Kafka', async (t) => {
  t.timeout(120_000 + ROUNDS * 60_000)
  const { dir, remove } = await ownedTempDir()
  t.teardown(remove)
  const kafka = await startKafka({ port: await freePort(), dir, settings: SETTINGS })
  t.teardown(() => kafka.stop())
  const sluice = await startBroker({ settings: SETTINGS })
  t.teardown(() => sluice.stop())
  const [theirs, ours] = [new Side(await Session.connect(kafka), kafka), new Side(await Session.connect(sluice), sluice)]
  t.teardown(() => [theirs, ours].forEach((side) => side.close()))
  const differences: string[] = []
  const complain = (text: string) => differences.push(text)
  const recording: string[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const states = await Promise.all([theirs.make(`${SEED}-${round}`), ours.make(`${SEED}-${round}`)])
    const answers: string[] = []
    for (const asked of requestsOf(round, SEED)) {
      const expected = errors(await theirs.ask(asked.api, asked.version, asked.body(states[0])))
      const actual = await askHere(ours, states[1], asked, complain)
      answers.push(expected.join(' '))
      const what = textOf(asked, asked.body(states[1]))
      if (!isDeepStrictEqual(actual, expected)) complain(`${what}\n  Kafka: ${expected.join(' ')}\n  here:  ${actual.join(' ')}`)
      const after = await Promise.all([theirs.snapshot(states[0]), ours.snapshot(states[1])])
      if (isDeepStrictEqual(after[1], after[0])) continue
      complain(`${what}\n  then Kafka: ${JSON.stringify(after[0])}\n  then here:  ${JSON.stringify(after[1])}`)
      if (!RECORD) break
    }
    recording.push(answers)
  }
  if (RECORD) await writeFile(path.join(root, 'test/fixtures', RECORDED), `${JSON.stringify(recording, null, 1)}\n`)
  t.deepEqual(differences, [])
})
