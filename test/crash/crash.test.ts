/**
 * Kills, failing disks and power cuts, at random by a seed. Thousands of rounds: SLUICE_CRASH_ROUNDS=1000 (of each kind). A failing round says
 * its seed and the command that repeats it.
 */
import { readdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { haveFaults, serialWithFaults } from '../support/faults.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { dirsOf } from './engine.js'
import { canMount, makePlace, makeSmallPlace, removePlace, type Place } from './place.js'
import { powerRound } from './power.js'
import { faultRound, fullRound, killRound, type RoundResult } from './rounds.js'

const FIRST_SEED = Number(process.env['SLUICE_CRASH_SEED'] ?? 20_261_121)
const ROUNDS = process.env['SLUICE_CRASH_ROUNDS'] === undefined ? undefined : Number(process.env['SLUICE_CRASH_ROUNDS'])
/** The seeds of the rounds lie so far apart that no two kinds or runs share one by chance. */
const SEED_STEP = 7919
const AT_A_TIME = Math.min(4, os.availableParallelism())
const HOURS_MS = 24 * 3_600_000

// How much fits depends on what is on its way just then: no seed repeats such a round. Only where rounds are asked for.
const testOnSmallDisk = ROUNDS !== undefined && haveFaults && (await canMount()) ? test.serial : test.serial.skip
const testWithTools = haveTools && haveFaults ? test.serial : test.serial.skip

type Round = (seed: number, place: Place) => Promise<RoundResult>

async function rounds(t: ExecutionContext, count: number, round: Round, openPlace: () => Promise<Place> = makePlace): Promise<void> {
  t.timeout(HOURS_MS)
  let next = 0
  const failures: string[] = []
  const counts = new Map<string, number>()
  const worker = async () => {
    while (next < count && failures.length === 0) {
      const seed = FIRST_SEED + SEED_STEP * next++
      const place = await openPlace()
      const { problems, story, hits } = await round(seed, place)
      for (const hit of hits) counts.set(hit, (counts.get(hit) ?? 0) + 1)
      if (problems.length === 0 || place.mounted) await removePlace(place)
      if (problems.length > 0) {
        const again = `SLUICE_CRASH_SEED=${seed} SLUICE_CRASH_ROUNDS=1 npm test -- test/crash/crash.test.ts --match='${t.title}'`
        failures.push([`seed ${seed}, left in ${place.work}`, ...problems.slice(0, 12), ...story, `again: ${again}`].join('\n  '))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  if (ROUNDS !== undefined) t.log(`${next} rounds from seed ${FIRST_SEED}:`, Object.fromEntries([...counts].toSorted()))
  if (failures.length > 0) t.fail(failures.join('\n'))
  else t.pass()
}

serialWithFaults('killed at any point, the engine loses nothing that it acknowledged', (t) => rounds(t, ROUNDS ?? 4, killRound))

serialWithFaults('a disk that fails costs no acknowledged record, and takes only its own directory away', (t) =>
  rounds(t, ROUNDS ?? 6, faultRound)
)

serialWithFaults('a power cut costs nothing that was flushed', (t) => rounds(t, ROUNDS ?? 3, powerRound))

testOnSmallDisk('a disk that is full costs nothing, and when there is room every log goes on', (t) =>
  rounds(t, ROUNDS ?? 1, fullRound, makeSmallPlace)
)

testWithTools("Apache Kafka's dump-log has no complaint of what is left after kills", async (t) => {
  const place = await makePlace()
  t.teardown(() => removePlace(place))
  const { problems, story } = await killRound(FIRST_SEED + 1, place)
  t.deepEqual(problems, [], story.join('\n'))
  const files: string[] = []
  for (const dir of dirsOf(place.disk)) {
    for (const name of (await readdir(dir, { recursive: true })).toSorted())
      if (/-\d+\/\d+\.(log|index|timeindex|txnindex|snapshot)$/.test(name)) files.push(path.join(dir, name))
  }
  const { code, stdout, stderr } = await runTool('dump-log', ['--deep-iteration', '--files', files.join(',')])
  t.is(code, 0, stderr)
  t.notRegex(stdout, /Mismatch|mismatch|error|Exception|corrupt|Non-secutive|out of order|invalid bytes/i, stdout.slice(0, 2000))
  t.regex(stdout, /\| offset: /)
})
