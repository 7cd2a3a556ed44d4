/** One HTML page from any number of results: no script, no network, no other file. */
import { analyze, keyFigures } from './analysis.js'
import type { GroupView } from './analysis.js'
import { barChart } from './chart-bars.js'
import { latencyChart } from './chart-latency.js'
import { lineCharts } from './chart-line.js'
import { COLOURS, legend } from './chart-parts.js'
import type { LookOf } from './chart-parts.js'
import { capital, plural, unitText } from './format.js'
import { markup } from './markup.js'
import type { Markup } from './markup.js'
import { conditions, figureTable, published, ratioTables } from './page-tables.js'
import { STYLE } from './page-style.js'
import type { BenchmarkResult, FigureName } from './result.js'
import { FIGURES } from './result.js'
import { LIMITS, METHOD } from './page-words.js'
import { SUITE_QUESTIONS, SUITE_TITLES } from './suites.js'
import { overallFindings } from './verdict.js'
import { verdictSection } from './page-verdict.js'
import type { SuiteView } from './page-verdict.js'

/** What is plotted besides key figures. Along an axis p99 stands for all of latency. */
const PLOTTED: readonly FigureName[] = ['systemCalls', 'openFiles']
const NOT_PLOTTED: readonly FigureName[] = ['p50', 'p999']
/** More distributions than this are folded away. */
const SHOWN_DISTRIBUTIONS = 4
/** The whole page. Results of the same suite stand one after the other, as they are given. */
export function page(results: readonly BenchmarkResult[]): string {
  const suites = results.map((result, index): SuiteView => {
    const groups = analyze(result)
    return { result, id: `${result.suite}-${index + 1}`, groups, looks: looks(result, groups) }
  })
  const title = suites.length === 1 && suites[0] !== undefined ? SUITE_TITLES[suites[0].result.suite] : 'Benchmarks'
  const whole = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice: ${title}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<header>
<h1>Sluice: ${title}</h1>
<p class="lead">${lead(results)}</p>
${navigation(suites)}
</header>
<main>
${verdictSection(suites)}
${suites.map(suiteSection)}
<section id="method"><h2>How to read this page</h2>${METHOD}</section>
<section id="limits"><h2>What these figures do not show</h2>${LIMITS}</section>
<section id="published"><h2>What others measured</h2><p>Factors of other people depend on their baselines as much as ours do. They are not from this machine.</p>${oursBeside(suites)}${published()}</section>
</main>
<footer><p>Made by <code>npm run bench:report</code> from ${plural(results.length, 'result')}; everything is in this file, and nothing is loaded.</p></footer>
</body>
</html>
`
  return whole.markup
}

/** Our own factor of the way that most others measured, to stand beside theirs. */
function oursBeside(suites: readonly SuiteView[]): Markup | undefined {
  const found = suites
    .filter(({ result }) => result.suite === 'paths')
    .flatMap(({ groups }) => overallFindings(groups))
    .filter(({ subject, figure }) => subject === 'sendfile' && (figure === 'cpu' || figure === 'throughput'))
  if (found.length === 0) return undefined
  return markup`<p>Ours beside them, over loopback and in a whole broker:</p><ul>${found.map(({ text }) => markup`<li>${text}.</li>`)}</ul>`
}

function lead(results: readonly BenchmarkResult[]): string {
  const machines = new Set(results.map(({ machine }) => `${machine.cpu}, ${plural(machine.cores, 'core')}, ${machine.kernel}`))
  const versions = new Set(results.flatMap(({ versions }) => (versions['sluice'] === undefined ? [] : [`Sluice ${versions['sluice']}`])))
  const days = new Set(results.map(({ startedAt }) => startedAt.slice(0, 10)))
  return [[...versions].join(', '), [...machines].join('; '), [...days].join(', ')].filter((text) => text !== '').join(' · ')
}

/**
 * A subject keeps its look within a suite, and what others are compared with is grey. Where there are more subjects than colours, each group
 * begins anew.
 */
function looks(result: BenchmarkResult, groups: readonly GroupView[]): (group: string) => LookOf {
  const all = new Set(result.measurements.map(({ subject }) => subject))
  const grey = isComparison(result) ? [result.baseline] : []
  if ([...all].filter((subject) => !grey.includes(subject)).length < COLOURS) {
    const look = looksOf([...all], grey, result.limits)
    return () => look
  }
  const byGroup = new Map(
    groups.map(({ title, subjects, cases }) => [
      title,
      looksOf(subjects, [...new Set(cases.map(({ baseline }) => baseline))], result.limits)
    ])
  )
  return (group) => byGroup.get(group) ?? looksOf([...all], grey, result.limits)
}

function looksOf(subjects: readonly string[], grey: readonly string[], limits: readonly string[] = []): LookOf {
  const coloured = subjects.filter((subject) => !grey.includes(subject))
  // Grey is the first colour, and not dealt out again.
  const colours = new Map(coloured.map((subject, index) => [subject, 1 + (index % (COLOURS - 1))]))
  return (subject) => ({ colour: colours.get(subject) ?? 0, isLimit: limits.includes(subject) })
}

function isComparison({ measurements }: BenchmarkResult): boolean {
  return new Set(measurements.map(({ subject }) => subject)).size > 1
}

function navigation(suites: readonly SuiteView[]): Markup {
  const links = [
    ...suites.map(({ id, result }) => [id, SUITE_TITLES[result.suite]] as const),
    ['method', 'How to read it'] as const,
    ['limits', 'What it does not show'] as const,
    ['published', 'What others measured'] as const
  ]
  return markup`<nav><ul>${links.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>`
}

function suiteSection({ result, id, groups, looks }: SuiteView): Markup {
  const leftOut =
    result.leftOut.length === 0
      ? markup`<p>Nothing was left out.</p>`
      : markup`<ul>${result.leftOut.map((text) => markup`<li>${text}</li>`)}</ul>`
  return markup`<section id="${id}"><h2>${SUITE_TITLES[result.suite]}</h2><p>${SUITE_QUESTIONS[result.suite]}</p>
${groups.map((group) => groupSection(group, looks(group.title)))}
<h3>Conditions</h3>${conditions(result)}
<h3>Left out</h3>${leftOut}</section>`
}

function groupSection(group: GroupView, lookOf: LookOf): Markup {
  const baselines = new Set(group.cases.filter(({ subjects }) => subjects.length > 1).map(({ baseline }) => baseline))
  const [baseline] = baselines.size === 1 ? baselines : []
  const rows = group.cases.reduce((sum, { subjects }) => sum + subjects.length, 0)
  return markup`<section><h3>${capital(group.title)}</h3>
${group.subjects.length > 1 ? legend(group.subjects, lookOf, baseline) : undefined}
${plots(group, lookOf)}
${group.cases.length > 1 ? ratioTables(group) : undefined}
<details><summary>All figures: ${plural(rows, 'row')}, medians with the lowest and the highest round</summary>${figureTable(group)}</details></section>`
}

/** Plots of figures and of distributions; many distributions are folded away. */
function plots(group: GroupView, lookOf: LookOf): Markup[] {
  const keys = keyFigures(group.figures).filter((figure) => group.axis === undefined || !NOT_PLOTTED.includes(figure))
  const figures = [...keys, ...PLOTTED.filter((figure) => group.figures.includes(figure) && !keys.includes(figure))]
  const distributions = group.cases.flatMap((one) => latencyChart(one, lookOf) ?? [])
  const isFew = distributions.length <= SHOWN_DISTRIBUTIONS
  const shown = isFew ? distributions : []
  const folded = isFew
    ? []
    : [markup`<details><summary>Distribution of latency: ${plural(distributions.length, 'case')}</summary>${grid(distributions)}</details>`]
  const { axis } = group
  if (axis === undefined) return [grid([...figures.flatMap((figure) => barChart(group.cases, figure, lookOf) ?? []), ...shown]), ...folded]
  // Without facets one plot per figure, side by side; else a row of plots per figure.
  if (axis.facets.length === 1)
    return [grid([...figures.flatMap((figure) => lineCharts(axis, group.subjects, figure, lookOf)), ...shown]), ...folded]
  const rows = figures.map((figure) => {
    const { label, unit } = FIGURES[figure]
    const unitNote = unit === 'count' ? '' : `, ${unitText(unit)}`
    return markup`<h4>${capital(label)}<span class="soft">${unitNote}</span></h4>${grid(lineCharts(axis, group.subjects, figure, lookOf))}`
  })
  return [...rows, grid(shown), ...folded]
}

function grid(charts: readonly Markup[]): Markup {
  return charts.length === 0 ? markup`` : markup`<div class="plots">${charts}</div>`
}
