/** The end of every suite: table and verdict on the terminal, and the files that were asked for. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addToHistory } from './history.js'
import { page } from './page.js'
import type { BenchmarkResult } from './result.js'
import { terminalOptions, terminalText } from './terminal.js'
import { withoutBadFigures } from './validate.js'

export interface FinishOptions {
  /** Where the JSON goes; "-" is stdout, and the table goes to stderr. */
  readonly json?: string
  /** Where the page goes. */
  readonly html?: string
  /** Adds the line of this version to bench/history.ndjson. */
  readonly history?: boolean
}

const HISTORY = fileURLToPath(new URL('../../../bench/history.ndjson', import.meta.url))

/**
 * Prints table and verdict and writes the files, the JSON first: it is what a long run left behind. A file that can not be written is told
 * at the end as one error, after everything else has been done.
 */
export async function finish(measured: BenchmarkResult, options: FinishOptions): Promise<void> {
  const result = withoutBadFigures(measured)
  const json = `${JSON.stringify(result)}\n`
  const problems: string[] = []
  const attempt = async (what: string, write: () => Promise<void>): Promise<void> => {
    try {
      await write()
      process.stderr.write(`wrote ${what}\n`)
    } catch (error) {
      problems.push(`${what} could not be written: ${(error as Error).message}`)
    }
  }
  const { json: jsonPath, html } = options
  if (jsonPath === '-') process.stdout.write(json)
  else if (jsonPath !== undefined) await attempt(jsonPath, () => writeTo(jsonPath, json))
  const out = jsonPath === '-' ? process.stderr : process.stdout
  out.write(terminalText(result, terminalOptions(out, process.env)))
  if (html !== undefined) await attempt(html, () => writeTo(html, page([result])))
  if (options.history === true) await attempt(HISTORY, () => addToHistory(HISTORY, result))
  if (problems.length > 0) throw new Error(problems.join('; '))
}

/** Makes the folder when it is missing. */
export async function writeTo(path: string, text: string): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true })
  await writeFile(path, text)
}
