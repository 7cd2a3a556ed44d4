/** The end of every suite: table and verdict on the terminal, and the files that were asked for. */
import { writeFile } from 'node:fs/promises'
import type { BenchmarkResult } from './result.js'

export interface FinishOptions {
  /** Where the JSON goes. */
  readonly json?: string
  /** Where the page goes. */
  readonly html?: string
  /** Adds the line of this version to bench/history.ndjson. */
  readonly history?: boolean
}

/** The options that every suite understands, for `parseArgs`. */
export const SUITE_OPTIONS = {
  rounds: { type: 'string' },
  json: { type: 'string' },
  html: { type: 'string' },
  history: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const

/** What of parsed options is meant for `finish`. */
export function finishOptions(values: { readonly json?: string; readonly html?: string; readonly history?: boolean }): FinishOptions {
  return {
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.html === undefined ? {} : { html: values.html }),
    ...(values.history === undefined ? {} : { history: values.history })
  }
}

/** Prints table and verdict to stdout and writes the files. */
export async function finish(result: BenchmarkResult, options: FinishOptions): Promise<void> {
  const json = JSON.stringify(result, undefined, 2)
  process.stdout.write(`${json}\n`)
  if (options.json !== undefined) await writeFile(options.json, `${json}\n`)
}
