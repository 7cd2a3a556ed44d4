/** A result, ordered for readers: groups, their cases, the subjects of each with medians and comparisons. Table, page and verdict start from it. */
import { parameterLabel, parameterValue } from './format.js'
import { groupBy } from './grouping.js'
import type { BenchmarkResult, FigureName, Measurement, Round } from './result.js'
import { FIGURES } from './result.js'
import { compare, countedRounds, figuresIn, summarizeFigure } from './statistics.js'
import type { Comparison, CountedRounds, Summary } from './statistics.js'

export interface SubjectView extends CountedRounds {
  readonly subject: string
  readonly rounds: readonly Round[]
  readonly summaries: ReadonlyMap<FigureName, Summary>
  /** Against the baseline of the case; empty for the baseline itself. */
  readonly comparisons: ReadonlyMap<FigureName, Comparison>
}

export interface CaseView {
  readonly name: string
  readonly parameters: Readonly<Record<string, number | string>>
  /** The subject that the others of this case are compared with. */
  readonly baseline: string
  readonly subjects: readonly SubjectView[]
}

/** A parameter that grows from case to case, with what else varies as facets. */
export interface Axis {
  readonly parameter: string
  readonly label: string
  readonly facets: readonly Facet[]
}

export interface Facet {
  /** "4 consumers, acks 1"; empty when nothing else varies. */
  readonly title: string
  /** By rising value of the parameter. */
  readonly points: readonly { readonly at: number; readonly case: CaseView }[]
}

export interface GroupView {
  readonly title: string
  readonly figures: readonly FigureName[]
  readonly subjects: readonly string[]
  readonly cases: readonly CaseView[]
  readonly axis: Axis | undefined
}

/** What is compared in words, the most telling first. */
const KEY_FIGURES: readonly FigureName[] = [
  'cpu',
  'throughput',
  'time',
  'operations',
  'settled',
  'cpuPerOperation',
  'cpuPerPartition',
  'cpuPerRequest',
  'p50',
  'p99',
  'p999',
  'startup',
  'shutdown',
  'create',
  'rssAbove',
  'rss',
  'cpuTime',
  'cpuPercent',
  'systemCalls',
  'requests'
]
const MOST_KEY_FIGURES = 5
/** Figures that need no words where another one is there. */
const SAID_BY: Partial<Record<FigureName, readonly FigureName[]>> = {
  operations: ['time'],
  requests: ['throughput', 'cpuPerRequest'],
  cpuPerRequest: ['cpu']
}

/** With fewer values than this a bar chart says more than a line. */
const LEAST_POINTS = 3
const MOST_FACETS = 9

export function analyze(result: BenchmarkResult): GroupView[] {
  return [...groupBy(result.measurements, ({ group }) => group)].map(([title, measurements]) =>
    groupView(title, measurements, result.baseline)
  )
}

function groupView(title: string, measurements: readonly Measurement[], baseline: string): GroupView {
  const cases = [...groupBy(measurements, ({ name }) => name)].map(([name, of]) => caseView(name, of, baseline))
  return {
    title,
    figures: figuresIn(measurements.flatMap(({ rounds }) => rounds)),
    subjects: [...new Set(measurements.map(({ subject }) => subject))],
    cases,
    axis: axisOf(cases)
  }
}

function caseView(name: string, measurements: readonly Measurement[], wanted: string): CaseView {
  const first = measurements[0] as Measurement
  const base = measurements.find(({ subject }) => subject === wanted) ?? first
  const subjects = measurements.map((measurement): SubjectView => {
    const figures = figuresIn(measurement.rounds)
    return {
      subject: measurement.subject,
      rounds: measurement.rounds,
      ...countedRounds(measurement.rounds),
      summaries: new Map(figures.flatMap((figure) => pair(figure, summarizeFigure(measurement.rounds, figure)))),
      comparisons:
        measurement === base
          ? new Map()
          : new Map(figures.flatMap((figure) => pair(figure, compare(measurement.rounds, base.rounds, figure))))
    }
  })
  return { name, parameters: first.parameters, baseline: base.subject, subjects }
}

function pair<Value>(figure: FigureName, value: Value | undefined): [FigureName, Value][] {
  return value === undefined ? [] : [[figure, value]]
}

/** The figures of a group that are worth a sentence, the most telling first, at most five. */
export function keyFigures(figures: readonly FigureName[]): FigureName[] {
  const present = KEY_FIGURES.filter((figure) => figures.includes(figure) && FIGURES[figure].better !== 'neither')
  const told = present.filter((figure) => !SAID_BY[figure]?.some((other) => present.includes(other)))
  return told.slice(0, MOST_KEY_FIGURES)
}

/**
 * The numeric parameter with the most values, when the others tell the remaining cases apart. One that is different in every case, such as
 * the size that a message happens to have, comes last.
 */
export function axisOf(cases: readonly CaseView[]): Axis | undefined {
  const names = [...new Set(cases.flatMap(({ parameters }) => Object.keys(parameters)))].filter((name) => valuesOf(cases, name).size > 1)
  const count = (name: string): number => valuesOf(cases, name).size
  const rank = (name: string): number => (count(name) < cases.length ? count(name) : 0)
  const candidates = names
    .filter((name) => cases.every(({ parameters }) => typeof parameters[name] === 'number') && count(name) >= LEAST_POINTS)
    .sort((one, other) => rank(other) - rank(one))
  for (const parameter of candidates) {
    const facets = facetsOf(cases, parameter, names)
    if (facets !== undefined) return { parameter, label: parameterLabel(parameter), facets }
  }
  return undefined
}

function valuesOf(cases: readonly CaseView[], name: string): Set<number | string | undefined> {
  return new Set(cases.map(({ parameters }) => parameters[name]))
}

function facetsOf(cases: readonly CaseView[], parameter: string, varying: readonly string[]): Facet[] | undefined {
  const others = independent(cases, parameter, varying)
  const facets = [...groupBy(cases, (one) => facetTitle(one, others))].map(([title, of]): Facet => ({
    title,
    points: of.map((one) => ({ at: one.parameters[parameter] as number, case: one })).sort((a, b) => a.at - b.at)
  }))
  const isClear = facets.every(
    ({ points }) =>
      points.length >= LEAST_POINTS && points.every(({ at }, index) => at > (points[index - 1]?.at ?? Number.NEGATIVE_INFINITY))
  )
  return isClear && facets.length <= MOST_FACETS ? facets : undefined
}

/** The parameters beside the axis without those that follow from axis and others: the size of a message follows from version and entries. */
function independent(cases: readonly CaseView[], parameter: string, varying: readonly string[]): string[] {
  let kept = varying.filter((name) => name !== parameter)
  for (const name of kept.toSorted((one, other) => valuesOf(cases, other).size - valuesOf(cases, one).size)) {
    const others = kept.filter((other) => other !== name)
    const same = groupBy(cases, ({ parameters }) => JSON.stringify([parameter, ...others].map((other) => parameters[other])))
    if ([...same.values()].every((group) => valuesOf(group, name).size === 1)) kept = others
  }
  return kept
}

function facetTitle({ parameters }: CaseView, names: readonly string[]): string {
  return names
    .map((name) => {
      const value = parameters[name]
      if (value === undefined) return ''
      const label = parameterLabel(name)
      if (typeof value === 'string') return value
      // "4 consumers", "1 consumer", "fetch size 64 KiB".
      return /bytes$/i.test(name) || !label.endsWith('s')
        ? `${label} ${parameterValue(name, value)}`
        : `${parameterValue(name, value)} ${value === 1 ? label.slice(0, -1) : label}`
    })
    .filter((text) => text !== '')
    .join(', ')
}
