/** Random rounds as tests: their seeds, how many there are, and what a failing one says. */
import os from 'node:os'
import type { ExecutionContext } from 'ava'
import { makePlace, removePlace, type Place } from './place.js'
import type { RoundResult } from './rounds.js'

export const FIRST_SEED = Number(process.env['SLUICE_CRASH_SEED'] ?? 20_261_121)
export const ROUNDS = process.env['SLUICE_CRASH_ROUNDS'] === undefined ? undefined : Number(process.env['SLUICE_CRASH_ROUNDS'])
/** The seeds of the rounds lie so far apart that no two kinds or runs share one by chance. */
const SEED_STEP = 7919
const AT_A_TIME = Math.min(4, os.availableParallelism())
const HOURS_MS = 24 * 3_600_000

type Round = (seed: number, place: Place) => Promise<RoundResult>

/** `few`: as many as are run where nobody asks for more. */
export async function rounds(t: ExecutionContext, few: number, round: Round, openPlace: () => Promise<Place> = makePlace): Promise<void> {
  t.timeout(HOURS_MS)
  const count = ROUNDS ?? few
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
        const again = `SLUICE_CRASH_SEED=${seed} SLUICE_CRASH_ROUNDS=1 npm test -- 'test/crash/**/*.test.ts' --match='${t.title}'`
        failures.push([`seed ${seed}, left in ${place.work}`, ...problems.slice(0, 12), ...story, `again: ${again}`].join('\n  '))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  if (ROUNDS !== undefined) t.log(`${next} rounds from seed ${FIRST_SEED}:`, Object.fromEntries([...counts].toSorted()))
  if (failures.length > 0) t.fail(failures.join('\n'))
  else t.pass()
}
