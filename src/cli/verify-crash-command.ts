/** `sluice verify-crash`: what each flush policy would lose in a power cut, as a table. */
import os from 'node:os'
import { bytes, count, duration, table } from './table.js'
import { verifyCrash, type PolicyReport } from './verify-crash.js'
import type { VerifyCrashRequest } from './verify-crash-arguments.js'

export interface Output {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
}

/** True when every policy kept what it promised. Rejects when it can't be tried, and when `signal` is aborted. */
export async function runVerifyCrash(request: VerifyCrashRequest, output: Output, signal: AbortSignal): Promise<boolean> {
  const { json, seconds, cuts, seed, temp } = request
  const progress = (policy: string) => output.error(`writing with ${policy} for ${seconds} s, then cutting the power ${cuts} times\n`)
  const reports = await verifyCrash({ temp: temp ?? os.tmpdir(), seconds, cuts, seed, signal, progress })
  output.out(json ? `${JSON.stringify({ seed, seconds, cuts, reports }, null, 2)}\n` : verifyCrashText(reports, seed))
  return reports.every((report) => report.problems.length === 0)
}

/** As a person reads it. */
export function verifyCrashText(reports: readonly PolicyReport[], seed: number): string {
  const head = ['flush policy', 'records', 'syncs', 'cuts', 'lost at most', '', '', 'on average', 'promised', '']
  const rows = reports.map((report) => [
    report.policy,
    count(report.acknowledged),
    count(report.syncs),
    String(report.cuts),
    `${count(report.worst.records)} records`,
    bytes(report.worst.bytes),
    duration(report.worst.ms),
    `${count(report.mean.records)} records`,
    report.promise,
    report.problems.length === 0 ? 'kept' : 'BROKEN'
  ])
  const problems = reports.flatMap((report) => report.problems.map((problem) => `${report.policy}: ${problem}\n`))
  return [
    `What a power cut takes of what was acknowledged, by flush policy (seed ${seed}).\n`,
    `${problems.length === 0 ? 'Every folder opened again, with all that was synced.' : 'NOT everything was as it should be: see below.'}\n\n`,
    table([head, ...rows], [0, head.length - 2, head.length - 1]),
    ...(problems.length === 0 ? [] : ['\n', ...problems])
  ].join('')
}
