/** The tables of the page: ratios at a glance, every median with its spread, conditions, what others published. */
import type { CaseView, GroupView, SubjectView } from './analysis.js'
import { keyFigures } from './analysis.js'
import { bytes, capital, duration, figureValue, number, plural, range, ratio, unitText } from './format.js'
import { markup } from './markup.js'
import type { Markup } from './markup.js'
import { PUBLISHED_FACTS, PUBLISHED_TABLES } from './published.js'
import type { PublishedSource } from './published.js'
import type { BenchmarkResult, FigureName } from './result.js'
import { FIGURES } from './result.js'
import type { Comparison } from './statistics.js'
import { isDisturbed } from './statistics.js'
import { MIB } from './units.js'
import { sentence } from './verdict.js'

/** A ratio of this size, or one divided by it, has the full colour. */
const FULL_COLOUR = 4
const MOST_OPACITY = 0.34

/** More ratio columns than this per subject are not shown side by side. */
const MATRIX_FIGURES = 2

function head(figure: FigureName): Markup {
  const { label, unit } = FIGURES[figure]
  const text = unitText(unit)
  return markup`<th scope="col">${capital(label)}${text === '' || unit === 'bytes' ? undefined : markup`<small>${text}</small>`}</th>`
}

/** Green and red by how far the ratio is from 1, on a scale of factors. */
function shade({ ratio: { median }, judgement }: Comparison): string {
  if (judgement !== 'better' && judgement !== 'worse') return ''
  const strength = Math.min(1, Math.abs(Math.log(median)) / Math.log(FULL_COLOUR))
  const opacity = (0.07 + strength * (MOST_OPACITY - 0.07)).toFixed(2)
  return `background:rgba(var(--${judgement === 'better' ? 'good' : 'bad'}-fill),${opacity})`
}

function ratioCell(comparison: Comparison | undefined, subject: string, baseline: string): Markup {
  if (comparison === undefined) return markup`<td class="cell"></td>`
  const { judgement, ratio: of } = comparison
  const isClaimed = ['better', 'worse', 'different'].includes(judgement)
  return markup`<td class="cell ${judgement}" style="${shade(comparison)}" title="${sentence(comparison, subject, baseline)}">${isClaimed ? '' : '≈ '}${ratio(of.median)}</td>`
}

/**
 * Ratios of every case at a glance. One subject against the baseline: a column per figure. Several: a table per figure, a column per subject.
 * Nothing when there is nothing to compare.
 */
export function ratioTables(group: GroupView): Markup[] {
  const others = group.subjects.filter((subject) =>
    group.cases.some((one) => one.baseline !== subject && viewOf(one, subject) !== undefined)
  )
  const figures = keyFigures(group.figures)
  const [only] = others
  if (only === undefined) return []
  const baselines = [...new Set(group.cases.map(({ baseline }) => baseline))]
  const baseline = baselines.length === 1 ? (baselines[0] ?? '') : 'the baseline of the case'
  if (others.length === 1) {
    const title = `${only} divided by ${baseline}`
    const rows = group.cases.map(
      (one) =>
        markup`<tr><th scope="row">${one.name}</th>${figures.map((figure) => ratioCell(viewOf(one, only)?.comparisons.get(figure), only, one.baseline))}</tr>`
    )
    return [ratioTable(title, markup`${figures.map((figure) => markup`<th scope="col">${capital(FIGURES[figure].label)}</th>`)}`, rows)]
  }
  return figures.slice(0, MATRIX_FIGURES).map((figure) => {
    const rows = group.cases.map(
      (one) =>
        markup`<tr><th scope="row">${one.name}</th>${others.map((subject) => ratioCell(viewOf(one, subject)?.comparisons.get(figure), subject, one.baseline))}</tr>`
    )
    return ratioTable(
      `${capital(FIGURES[figure].label)} divided by that of ${baseline}`,
      markup`${others.map((subject) => markup`<th scope="col">${subject}</th>`)}`,
      rows
    )
  })
}

function ratioTable(title: string, heads: Markup, rows: readonly Markup[]): Markup {
  return markup`<h4>${title}</h4><div class="scroll"><table><thead class="names"><tr><th scope="col">case</th>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`
}

function viewOf(one: CaseView, subject: string): SubjectView | undefined {
  return one.subjects.find((view) => view.subject === subject)
}

/** Every median of a group with its lowest and highest round. */
export function figureTable(group: GroupView): Markup {
  const rows = group.cases.flatMap((one) => [
    markup`<tr class="case"><th scope="rowgroup" colspan="${group.figures.length + 2}">${one.name}</th></tr>`,
    ...one.subjects.map((view) => figureRow(view, group.figures))
  ])
  return markup`<div class="scroll"><table><thead><tr><th scope="col">subject</th><th scope="col">Rounds</th>${group.figures.map(head)}</tr></thead><tbody>${rows}</tbody></table></div>`
}

function figureRow(view: SubjectView, figures: readonly FigureName[]): Markup {
  const cells = figures.map((figure) => {
    const summary = view.summaries.get(figure)
    if (summary === undefined) return markup`<td></td>`
    const spread = summary.count > 1 ? markup`<small>${range(summary.lowest, summary.highest, figure)}</small>` : undefined
    return markup`<td>${figureValue(summary.median, figure)}${spread}</td>`
  })
  return markup`<tr class="subject"><th scope="row">${view.subject}</th><td>${roundsText(view)}</td>${cells}</tr>`
}

function roundsText(view: SubjectView): Markup {
  const marks = view.rounds.filter(isDisturbed).map(({ round }) => round)
  if (marks.length === 0) return markup`${view.counted.length}`
  const what = view.omitted > 0 ? `without ${marks.join(', ')}` : `${marks.join(', ')} disturbed`
  return markup`${view.counted.length}<small>${what}</small>`
}

/** What the figures of a suite depend on. */
export function conditions(result: BenchmarkResult): Markup {
  const { machine, versions } = result
  const rows: readonly (readonly [string, string | Markup])[] = [
    ['machine', `${machine.cpu}, ${plural(machine.cores, 'core')}, ${bytes(machine.memoryMiB * MIB)} of memory`],
    ['kernel', machine.kernel],
    ['file system', machine.filesystem],
    [
      'versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')
    ],
    ['flush policy', result.flushPolicy],
    ['transfer mode', result.transferMode],
    ...(result.turns === undefined ? [] : [['turns', result.turns] as const]),
    ['baseline', result.baseline],
    ['measured', `${result.startedAt.replace('T', ' ').replace(/(\.\d+)?Z$/, '')} UTC, in ${duration(result.seconds)}`],
    ['rounds', roundsSummary(result)],
    ['again', markup`<code>${result.command}</code>`]
  ]
  return markup`<dl class="conditions">${rows.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}

function roundsSummary({ measurements }: BenchmarkResult): string {
  const counts = measurements.map(({ rounds }) => rounds.length)
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  const all = measurements.flatMap(({ rounds }) => rounds)
  const disturbed = all.filter(isDisturbed).length
  const rounds = least === most ? plural(most, 'round') : `${least} to ${plural(most, 'round')}`
  const unknown = all.filter(({ otherPercent }) => otherPercent === undefined).length
  const known =
    unknown === all.length ? 'disturbance not recorded' : `${number(disturbed)} of ${plural(all.length, 'measurement')} disturbed`
  return measurements.length === 0 ? 'none' : `${rounds}, interleaved; ${known}`
}

/** Other people's figures. */
export function published(): Markup[] {
  const tables = PUBLISHED_TABLES.map(
    ({ title, source, setting, head: heads, rows }) =>
      markup`<h3>${title}</h3><p>${link(source)}. ${setting}</p><div class="scroll"><table><thead><tr>${heads.map((text) => markup`<th scope="col">${text}</th>`)}</tr></thead><tbody>${rows.map(
        (row) =>
          markup`<tr>${row.map((text, index) => (index === 0 ? markup`<th scope="row">${text}</th>` : markup`<td>${text}</td>`))}</tr>`
      )}</tbody></table></div>`
  )
  const facts = PUBLISHED_FACTS.map(
    ({ source, fact, setting }) => markup`<li>${link(source)}: ${fact} <span class="soft">${setting}</span></li>`
  )
  return [...tables, markup`<h3>Single findings</h3><ul>${facts}</ul>`]
}

function link({ name, year, url }: PublishedSource): Markup {
  return markup`<a href="${url}">${name}</a> (${year})`
}
