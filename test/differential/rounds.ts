/** Rounds of random requests, the same for every broker that is asked. */
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { randomFrom } from '../../src/cli/crash-disk.js'
import type { Api } from '../../src/protocol/api.js'
import type { Answer, Side } from './side.js'

/** Chances of one request: the same for both brokers, whose states differ in their ids. */
export interface Choice {
  of<T>(...values: readonly T[]): T
}

export interface KindOf<S> {
  readonly api: Api
  readonly body: (choice: Choice, version: number) => (state: S) => object
}

interface Asked<S> {
  readonly api: Api
  readonly version: number
  readonly body: (state: S) => object
}

const REQUESTS_OF_ROUND = 60
/** What a broker decides it may know a little later. */
const PATIENCE_MS = 5000
const PAUSE_MS = 20

/** Those of one round, always the same. */
function* requestsOf<S>(kinds: readonly KindOf<S>[], round: number, seed: number): Generator<Asked<S>> {
  const next = randomFrom(seed * 1000 + round)
  const choice: Choice = { of: (...values) => values[Math.floor(next() * values.length)]! }
  for (let at = 0; at < REQUESTS_OF_ROUND; at++) yield request(kinds[Math.floor(next() * kinds.length)]!, choice)
}

/** Of a kind, in a version by chance. */
function request<S>({ api, body }: KindOf<S>, choice: Choice): Asked<S> {
  const [first, last] = api.stable!
  const version = choice.of(...Array.from({ length: last - first + 1 }, (_, at) => first + at))
  return { api, version, body: body(choice, version) }
}

function textOf<S>({ api, version, body }: Asked<S>, state: S): string {
  return `${api.name} v${version} ${JSON.stringify(body(state))}`
}

/** Every error code of an answer. */
function errorCodes(answer: Answer): number[] {
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return []
  return Object.entries(answer).flatMap(([name, value]) => (/errorCode$/i.test(name) ? [value as number] : errorCodes(value as object)))
}

interface Told {
  readonly told: string
  /** What is there now, if it was looked at. */
  readonly after: unknown
}

/** Asks, and complains of an error that has changed something. `known`: what is there, if it was looked at. */
async function askHere<S>(side: Side<S>, state: S, asked: Asked<S>, known: unknown, complain: (text: string) => void): Promise<Told> {
  const before = known ?? (await side.snapshot(state))
  const answer = await side.ask(asked.api, asked.version, asked.body(state))
  const told = side.told(state, answer)
  const codes = errorCodes(answer)
  if (codes.length === 0 || codes.includes(0)) return { told, after: undefined }
  const after = await side.snapshot(state)
  if (!isDeepStrictEqual(after, before)) complain(`${textOf(asked, state)} has changed something`)
  return { told, after }
}

/** Asks what was recorded of Apache Kafka. Gives what differs, and the number of requests. */
export async function compareWithRecorded<S>(
  kinds: readonly KindOf<S>[],
  side: Side<S>,
  recorded: readonly (readonly string[])[]
): Promise<{ differences: readonly string[]; asked: number }> {
  const differences: string[] = []
  let asked = 0
  for (const [round, expected] of recorded.entries()) {
    const state = await side.make(`r${round}`)
    let at = 0
    let known: unknown
    for (const each of requestsOf(kinds, round, 1)) {
      if (at === expected.length) break
      const { told: actual, after } = await askHere(side, state, each, known, (text) => differences.push(text))
      known = after
      if (actual !== expected[at]) differences.push(`${textOf(each, state)}\n  Kafka: ${expected[at]}\n  here:  ${actual}`)
      at++
      asked++
    }
  }
  return { differences, asked }
}

interface LiveRounds<S> {
  readonly kinds: readonly KindOf<S>[]
  readonly theirs: Side<S>
  readonly ours: Side<S>
  readonly rounds: number
  readonly seed: number
  /** A round goes on behind a difference in what is there afterwards. */
  readonly record: boolean
}

/** Asks both brokers. Gives what differs, and all that Apache Kafka answered. */
export async function compareLive<S>({ kinds, theirs, ours, rounds, seed, record }: LiveRounds<S>) {
  const differences: string[] = []
  const complain = (text: string): void => void differences.push(text)
  const recording: string[][] = []
  for (let round = 0; round < rounds; round++) {
    const name = record ? `r${round}` : `${seed}-${round}`
    const states = await Promise.all([theirs.make(name), ours.make(name)])
    const answers: string[] = []
    for (const asked of requestsOf(kinds, round, seed)) {
      const expected = theirs.told(states[0], await theirs.ask(asked.api, asked.version, asked.body(states[0])))
      const { told: actual } = await askHere(ours, states[1], asked, undefined, complain)
      answers.push(expected)
      const what = textOf(asked, states[1])
      if (actual !== expected) complain(`${what}\n  Kafka: ${expected}\n  here:  ${actual}`)
      const [theirAfter, ourAfter] = await settledSnapshots(theirs, ours, states)
      if (isDeepStrictEqual(ourAfter, theirAfter)) continue
      complain(`${what}\n  then Kafka: ${JSON.stringify(theirAfter)}\n  then here:  ${JSON.stringify(ourAfter)}`)
      if (!record) break
    }
    recording.push(answers)
  }
  return { differences, recording }
}

async function settledSnapshots<S>(theirs: Side<S>, ours: Side<S>, [their, our]: readonly S[]): Promise<unknown[]> {
  for (const end = Date.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    const both = await Promise.all([theirs.snapshot(their!), ours.snapshot(our!)])
    if (isDeepStrictEqual(both[0], both[1]) || Date.now() > end) return both
  }
}
