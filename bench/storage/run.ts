/** Puts the suite together: who takes part, and which cases. */
import { installedKafka } from '../lib/broker.js'
import type { Case } from '../lib/rounds.js'
import { runRounds } from '../lib/rounds.js'
import type { Outcome, Running } from '../lib/suite.js'
import { appendCases, PWRITE, PWRITE_SYNC } from './append.js'
import { compactionCases } from './compaction.js'
import { lookupCases } from './lookup.js'
import { openLoops, type Loops } from './loops.js'
import { PEERS, type Options } from './options.js'
import { openPeers } from './peers.js'
import { PREAD, readCases } from './read.js'
import { recoveryCases, SCAN } from './recovery.js'
import type { Stage } from './stage.js'
import { FILES } from './stores/files.js'
import { SLUICE } from './stores/sluice.js'

const KAFKA = 'Apache Kafka'

const FLUSH_POLICY =
  'append, no flush: acknowledged from the page cache, nothing is flushed by anybody (Sluice: sluice.flush.background.bytes=0; lmdb: noSync; better-sqlite3: synchronous=OFF). ' +
  'append, each acknowledged from the disk: log.flush.interval.messages=1; fdatasync; lmdb: flushed; classic-level: sync; better-sqlite3: synchronous=FULL'

export async function measureStorage(options: Options, running: Running): Promise<Outcome> {
  const { rounds, seconds, quick, only, without } = options
  const { folder, progress, signal, afterwards } = running
  const sketch: Stage = { folder, seconds, quick, signal, afterwards, kinds: PEERS.map(nameOnly), loops: noLoops }
  // What no case needs is not installed.
  const subjects = new Set(casesOf(sketch, KAFKA).flatMap((one) => (isWanted(only, one) ? [one.subject] : [])))
  const peers = await openPeers(
    PEERS.filter((name) => !without.includes(name) && subjects.has(name)),
    progress
  )
  const kafka: KafkaSubject = !quick && !without.includes('kafka') && subjects.has(KAFKA) ? await kafkaSubject() : {}
  let loops: Promise<Loops> | undefined
  const stage: Stage = { ...sketch, kinds: [FILES, ...peers.kinds], loops: () => (loops ??= openLoops(signal)) }
  const all = casesOf(stage, kafka.subject)
  const cases = all.filter((one) => isWanted(only, one))
  if (cases.length === 0) {
    const groups = [...new Set(all.map(({ group }) => group))].join('\n  ')
    throw new Error(
      `no case has ${only.map((word) => `'${word}'`).join(' and ')} in its group, name or subject; the groups are:\n  ${groups}`
    )
  }
  const outcome = await runRounds(cases, { rounds, progress, signal })
  return {
    flushPolicy: FLUSH_POLICY,
    transferMode: 'auto; each in turn where it is named',
    baseline: SLUICE,
    limits: [PWRITE, PWRITE_SYNC, PREAD, SCAN],
    versions: peers.versions,
    measurements: outcome.measurements,
    leftOut: [...peers.leftOut, ...(kafka.leftOut ?? []), ...outcome.leftOut]
  }
}

function casesOf(stage: Stage, kafka: string | undefined): Case[] {
  return [...appendCases(stage), ...lookupCases(stage), ...readCases(stage), ...recoveryCases(stage), ...compactionCases(stage, kafka)]
}

interface KafkaSubject {
  readonly subject?: string
  readonly leftOut?: readonly string[]
}

async function kafkaSubject(): Promise<KafkaSubject> {
  try {
    return { subject: `${KAFKA} ${(await installedKafka()).version}` }
  } catch (error) {
    return { leftOut: [(error as Error).message] }
  }
}

function isPart(word: string, text: string): boolean {
  return word.split('|').some((part) => text.toLowerCase().includes(part.toLowerCase()))
}

/** Whether every word, or one of its alternatives ("a|b"), is part of "group, name, subject", in any case. */
function isWanted(words: readonly string[], { group, name, subject }: Case): boolean {
  return words.every((word) => isPart(word, `${group}, ${name}, ${subject}`))
}

const noLoops = (): Promise<never> => Promise.reject(new Error('only the names of the cases are asked for'))

function nameOnly(name: string): Stage['kinds'][number] {
  const none = (): Promise<never> => Promise.reject(new Error(`${name} is not open`))
  return { name, open: none, finder: none }
}
