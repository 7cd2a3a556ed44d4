/** Results from files: read as what they are, or refused with the place that is wrong. */
import { readFile } from 'node:fs/promises'
import type { BenchmarkResult, FigureName, Figures, Measurement, Round } from './result.js'
import { FIGURES } from './result.js'
import { SUITE_TITLES } from './suites.js'

/** The file is not a result; the message names the file or the place in it. */
export class ResultError extends Error {
  override readonly name = 'ResultError'
}

/** Reads one result. Throws ResultError for a file that is missing, no JSON or no result. */
export async function readResult(path: string): Promise<BenchmarkResult> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new ResultError(`${path} can not be read: ${(error as Error).message}`)
  }
  try {
    return parseResult(text)
  } catch (error) {
    throw new ResultError(`${path}: ${(error as Error).message}`)
  }
}

/** Throws ResultError. Keys that are not known are dropped. */
export function parseResult(text: string): BenchmarkResult {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ResultError('is no JSON')
  }
  return checkedResult(value)
}

function checkedResult(value: unknown): BenchmarkResult {
  const from = record(value, 'the result')
  if (from['schema'] !== 1) throw new ResultError(`schema is ${show(from['schema'])}, only 1 is known: is this a result of npm run bench?`)
  const suite = string(from['suite'], 'suite')
  if (!Object.hasOwn(SUITE_TITLES, suite))
    throw new ResultError(`suite is ${show(suite)}, known are ${Object.keys(SUITE_TITLES).join(', ')}`)
  const machine = record(from['machine'], 'machine')
  const startedAt = string(from['startedAt'], 'startedAt')
  if (Number.isNaN(Date.parse(startedAt))) throw new ResultError(`startedAt is ${show(startedAt)}, no time`)
  return {
    schema: 1,
    suite: suite as BenchmarkResult['suite'],
    startedAt,
    seconds: number(from['seconds'], 'seconds'),
    command: string(from['command'], 'command'),
    machine: {
      cpu: string(machine['cpu'], 'machine.cpu'),
      cores: number(machine['cores'], 'machine.cores'),
      memoryMiB: number(machine['memoryMiB'], 'machine.memoryMiB'),
      kernel: string(machine['kernel'], 'machine.kernel'),
      filesystem: string(machine['filesystem'], 'machine.filesystem')
    },
    versions: Object.fromEntries(
      Object.entries(record(from['versions'], 'versions')).map(([name, version]) => [name, string(version, `versions.${name}`)])
    ),
    flushPolicy: string(from['flushPolicy'], 'flushPolicy'),
    transferMode: string(from['transferMode'], 'transferMode'),
    ...(from['turns'] === undefined ? {} : { turns: string(from['turns'], 'turns') }),
    baseline: string(from['baseline'], 'baseline'),
    ...(from['limits'] === undefined
      ? {}
      : { limits: list(from['limits'], 'limits').map((one, index) => string(one, `limits[${index}]`)) }),
    measurements: list(from['measurements'], 'measurements').map((one, index) => measurement(one, `measurements[${index}]`)),
    leftOut: list(from['leftOut'], 'leftOut').map((one, index) => string(one, `leftOut[${index}]`))
  }
}

function measurement(value: unknown, at: string): Measurement {
  const from = record(value, at)
  const parameters = Object.entries(record(from['parameters'], `${at}.parameters`)).map(([name, parameter]) => {
    if (typeof parameter === 'string') return [name, parameter] as const
    return [name, number(parameter, `${at}.parameters.${name}`)] as const
  })
  return {
    group: string(from['group'], `${at}.group`),
    name: string(from['name'], `${at}.name`),
    subject: string(from['subject'], `${at}.subject`),
    parameters: Object.fromEntries(parameters),
    rounds: list(from['rounds'], `${at}.rounds`).map((one, index) => round(one, `${at}.rounds[${index}]`))
  }
}

function round(value: unknown, at: string): Round {
  const from = record(value, at)
  const figures: Figures = Object.fromEntries(
    Object.entries(record(from['figures'], `${at}.figures`)).map(([name, figure]) => {
      if (!Object.hasOwn(FIGURES, name)) throw new ResultError(`${at}.figures.${name} is no figure that is known`)
      return [name as FigureName, number(figure, `${at}.figures.${name}`)]
    })
  )
  return {
    round: number(from['round'], `${at}.round`),
    figures,
    ...(from['otherPercent'] === undefined ? {} : { otherPercent: number(from['otherPercent'], `${at}.otherPercent`) }),
    ...(from['floor'] === undefined ? {} : { floor: number(from['floor'], `${at}.floor`) }),
    ...(from['histogram'] === undefined ? {} : { histogram: histogram(from['histogram'], `${at}.histogram`) })
  }
}

function histogram(value: unknown, at: string): [number, number][] {
  return list(value, at).map((row, index) => {
    const cells = list(row, `${at}[${index}]`)
    if (cells.length !== 2) throw new ResultError(`${at}[${index}] must have two numbers`)
    return [number(cells[0], `${at}[${index}][0]`), number(cells[1], `${at}[${index}][1]`)]
  })
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ResultError(`${at} must be an object, is ${show(value)}`)
  return value as Record<string, unknown>
}

function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw new ResultError(`${at} must be a list, is ${show(value)}`)
  return value
}

function string(value: unknown, at: string): string {
  if (typeof value !== 'string') throw new ResultError(`${at} must be a text, is ${show(value)}`)
  return value
}

function number(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ResultError(`${at} must be a number, is ${show(value)}`)
  return value
}

function show(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/**
 * A result without figures that are no numbers (JSON has none for them), and a sentence for each measurement that lost some. At the end of a
 * long run a bad figure must not take the others along.
 */
export function withoutBadFigures(result: BenchmarkResult): BenchmarkResult {
  const complaints: string[] = []
  const measurements = result.measurements.map((of) => {
    const dropped = new Set<string>()
    const rounds = of.rounds.map((one) => {
      const figures = Object.entries(one.figures).filter(([name, value]) => {
        if (value === undefined) return false
        if (!Number.isFinite(value)) dropped.add(FIGURES[name as FigureName].label)
        return Number.isFinite(value)
      })
      return { ...one, figures: Object.fromEntries(figures) as Figures }
    })
    if (dropped.size > 0)
      complaints.push(`${of.group}, ${of.name}, ${of.subject}: ${[...dropped].join(', ')} could not be measured in every round`)
    return { ...of, rounds }
  })
  return { ...result, measurements, leftOut: [...result.leftOut, ...complaints] }
}
