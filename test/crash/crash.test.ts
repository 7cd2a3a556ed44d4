/**
 * Kills, failing disks and power cuts, at random by a seed. Thousands of rounds: SLUICE_CRASH_ROUNDS=1000 (of each kind). A failing round says
 * its seed and the command that repeats it.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { haveFaults, serialWithFaults } from '../support/faults.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { dirsOf } from './engine.js'
import { canMount, makePlace, makeSmallPlace, removePlace } from './place.js'
import { powerRound } from './power.js'
import { FIRST_SEED, ROUNDS, rounds } from './round-tests.js'
import { faultRound, fullRound, killRound } from './rounds.js'

// How much fits depends on what is on its way just then: no seed repeats such a round. Only where rounds are asked for.
const testOnSmallDisk = ROUNDS !== undefined && haveFaults && (await canMount()) ? test.serial : test.serial.skip
const testWithTools = haveTools && haveFaults ? test.serial : test.serial.skip

serialWithFaults('killed at any point, the engine loses nothing that it acknowledged', (t) => rounds(t, 4, killRound))

serialWithFaults('a disk that fails costs no acknowledged record, and takes only its own directory away', (t) => rounds(t, 6, faultRound))

serialWithFaults('a power cut costs nothing that was flushed', (t) => rounds(t, 3, powerRound))

testOnSmallDisk('a disk that is full costs nothing, and when there is room every log goes on', (t) =>
  rounds(t, 1, fullRound, makeSmallPlace)
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
