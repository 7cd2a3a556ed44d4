/** `sluice verify-crash`: the table, the exit code, and a short run whose policies keep what they promise. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { verifyCrashText } from '../../src/cli/verify-crash-command.js'
import { POLICIES, type PolicyReport } from '../../src/cli/verify-crash.js'
import { testWithFaults } from '../support/faults.js'
import { root, run } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MAIN = path.join(root, 'dist/src/cli/main.js')

const report: PolicyReport = {
  policy: 'none',
  settings: {},
  acknowledged: 1000,
  cuts: 3,
  syncs: 4,
  worst: { records: 1200, bytes: 1_258_291, ms: 900 },
  mean: { records: 600, bytes: 1, ms: 1 },
  promise: 'none',
  problems: []
}

test('the table tells what was lost, and which promise was broken', (t) => {
  const kept = verifyCrashText([report], 7)
  t.regex(kept, /seed 7/)
  t.regex(kept, /none +1,000 +4 +3 +1,200 records +1\.2 MiB +900 ms +600 records +none +kept/)
  const broken = verifyCrashText([{ ...report, problems: ['cut 2: 5 records are lost'] }], 7)
  t.regex(broken, /BROKEN/)
  t.regex(broken, /none: cut 2: 5 records are lost/)
})

testWithFaults('a short run keeps every promise, shows the difference, and leaves nothing behind', async (t) => {
  const temp = await tempDir(t)
  const { code, stdout, stderr } = await run(process.execPath, [
    MAIN,
    'verify-crash',
    '--json',
    '--seconds',
    '0.5',
    '--cuts',
    '4',
    '--temp',
    temp
  ])
  t.is(code, 0, stderr + stdout)
  const { reports } = JSON.parse(stdout) as { reports: PolicyReport[] }
  t.deepEqual(
    reports.map((one) => one.policy),
    POLICIES.map((policy) => policy.name)
  )
  t.true(reports.every((one) => one.acknowledged > 20))
  const every = reports[0]
  const none = reports.at(-1)
  t.is(every!.worst.records, 0)
  t.true(none!.worst.records > 0, 'without flushes records are lost: the cuts are real')
  t.deepEqual(readdirSync(temp), [])
})

test('wrong usage ends with 2', async (t) => {
  t.is((await run(process.execPath, [MAIN, 'verify-crash', '--cuts', 'many'])).code, 2)
})

testWithFaults('a folder that is not there is named as it was given', async (t) => {
  const none = path.join(await tempDir(t), 'none')
  const proc = await run(process.execPath, [MAIN, 'verify-crash', '--temp', '/proc'])
  t.deepEqual([proc.code, proc.stderr], [1, 'sluice: no folder can be made in /proc (ENOENT)\n'])
  for (const args of [['verify-crash'], ['calibrate', '--seconds', '1'], ['serve', '--read-only', none]]) {
    const { code, stderr } = await run(process.execPath, [MAIN, ...args, '--temp', none])
    t.is(code, 1)
    t.is(stderr.trim().split('\n').at(-1), `sluice: ${none}: it is not there (ENOENT)`, args[0])
  }
})
