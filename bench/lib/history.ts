/** bench/history.ndjson: what a release measured, one line per version and suite, so that releases can be compared. */
import { readFile, writeFile } from 'node:fs/promises'
import { analyze, keyFigures } from './analysis.js'
import type { BenchmarkResult } from './result.js'

/** One line. Medians by "group · name · subject" and figure, to three digits. */
export interface HistoryLine {
  readonly version: string
  readonly commit: string
  readonly date: string
  readonly suite: string
  readonly machine: string
  readonly rounds: number
  readonly medians: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function historyLine(result: BenchmarkResult): HistoryLine {
  const [version = 'unknown', commit = ''] = (result.versions['sluice'] ?? '').split(/ \(|\)/)
  const medians = analyze(result).flatMap((group) =>
    group.cases.flatMap((one) =>
      one.subjects.map(({ subject, summaries }) => {
        const values = keyFigures(group.figures).flatMap((figure) => {
          const summary = summaries.get(figure)
          return summary === undefined ? [] : [[figure, Number(summary.median.toPrecision(3))] as const]
        })
        return [`${group.title} · ${one.name} · ${subject}`, Object.fromEntries(values)] as const
      })
    )
  )
  const { cpu, cores, kernel } = result.machine
  return {
    version,
    commit,
    date: result.startedAt.slice(0, 10),
    suite: result.suite,
    machine: `${cpu}, ${cores} cores, ${kernel}`,
    rounds: Math.max(0, ...result.measurements.map(({ rounds }) => rounds.length)),
    medians: Object.fromEntries(medians)
  }
}

/** Adds the line of a result. The line of the same version and suite is replaced: a release has one. */
export async function addToHistory(path: string, result: BenchmarkResult): Promise<void> {
  const line = historyLine(result)
  const kept = (await linesOf(path)).filter((text) => !isSameRelease(text, line))
  await writeFile(path, `${[...kept, JSON.stringify(line)].join('\n')}\n`)
}

async function linesOf(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((text) => text.trim() !== '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** A line that can not be read is nobody's, and stays. */
function isSameRelease(text: string, { version, suite }: HistoryLine): boolean {
  try {
    const line = JSON.parse(text) as Partial<HistoryLine>
    return line.version === version && line.suite === suite
  } catch {
    return false
  }
}
