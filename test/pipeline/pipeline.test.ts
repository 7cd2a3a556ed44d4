/**
 * Copies with exactly-once output while brokers and copiers are killed, paused and doubled, at random by a seed. Campaigns:
 * SLUICE_PIPELINE_ROUNDS=50 (of each client), SLUICE_PIPELINE_SEED, SLUICE_PIPELINE_EVENTS. A round that fails says how it is repeated.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { compileJava } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'
import { clients, type Client } from './copier.js'
import { Random } from './random.js'
import { pipelineRound } from './round.js'
import type { Plan } from './world.js'

const FIRST_SEED = Number(process.env['SLUICE_PIPELINE_SEED'] ?? 20_261_121)
const ROUNDS = Number(process.env['SLUICE_PIPELINE_ROUNDS'] ?? 1)
const EVENTS = Number(process.env['SLUICE_PIPELINE_EVENTS'] ?? 2)
const CAMPAIGN = process.env['SLUICE_PIPELINE_ROUNDS'] !== undefined
const SEED_STEP = 7919
const HOURS_MS = 24 * 3_600_000

function planOf(client: Client, seed: number): Plan {
  // Numbers of its own, so that the same seed gives the same events whatever the plan.
  const random = new Random(~seed)
  // kafkajs knows neither.
  const protocol = client !== 'kafkajs' && random.chance(50) ? 'consumer' : 'classic'
  const strategy = random.chance(50) ? 'cooperative' : 'range'
  const transactionVersion = random.chance(60) ? 2 : 1
  const fixed = random.chance(30) && client !== 'kafkajs'
  const copiers = 2 + random.below(2)
  return { client, protocol, strategy, transactionVersion, fixed, copiers, transactionMs: random.pick([4000, 15_000]) }
}

async function rounds(t: ExecutionContext, client: Client): Promise<void> {
  t.timeout(CAMPAIGN ? HOURS_MS : 240_000)
  const classes = await tempDir(t)
  if (client === 'java') await compileJava(path.join(root, 'test/pipeline/copiers/Copier.java'), classes)
  const counts = new Map<string, number>()
  let records = 0
  for (let n = 0; n < ROUNDS; n++) {
    const seed = FIRST_SEED + SEED_STEP * n
    const plan = planOf(client, seed)
    const dir = await mkdtemp(path.join(os.tmpdir(), 'sluice-pipeline-'))
    const result = await pipelineRound(seed, plan, EVENTS, dir, classes)
    for (const [what, count] of result.hits) counts.set(what, (counts.get(what) ?? 0) + count)
    records += result.records
    if (result.problem !== '') {
      const environment = `SLUICE_PIPELINE_SEED=${seed} SLUICE_PIPELINE_ROUNDS=1 SLUICE_PIPELINE_EVENTS=${EVENTS}`
      const again = `${environment} npm test -- test/pipeline/pipeline.test.ts --match='${t.title}'`
      t.fail([`seed ${seed}, left in ${dir}`, JSON.stringify(plan), result.problem, ...result.story, `again: ${again}`].join('\n'))
      return
    }
    await rm(dir, { recursive: true, force: true })
  }
  if (CAMPAIGN) t.log(`${ROUNDS} rounds from seed ${FIRST_SEED}, ${records} records:`, Object.fromEntries([...counts].toSorted()))
  t.pass()
}

// Side by side: each waits for time-outs most of the time.
for (const client of clients) test(`copies are exact, whoever is killed: ${client}`, (t) => rounds(t, client))
