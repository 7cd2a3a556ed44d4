/**
 * A figure over cases that have no common order: per case one lane per subject, with the lowest and highest round. Bars from zero; where
 * values lie far apart dots on a logarithmic axis, on which equal distances are equal factors.
 */
import type { CaseView, SubjectView } from './analysis.js'
import { CHART_WIDTH, chart, line, mark, px, text, tickText, valueScale } from './chart-parts.js'
import type { LookOf, Scale } from './chart-parts.js'
import { capital, figureValue, range, ratio, unitText } from './format.js'
import { markup } from './markup.js'
import type { Markup } from './markup.js'
import type { FigureName } from './result.js'
import { FIGURES } from './result.js'
import type { Summary } from './statistics.js'

const LANE = 15
const TITLE = 17
const GAP = 8
const TOP = 22
const BOTTOM = 8
const PLOT_END = 246
const VALUE_END = 302
const RATIO_END = CHART_WIDTH - 2
/** Longer names are cut; the whole name is in the tables and appears when pointed at. */
const MOST_CHARACTERS = 56

export function barChart(cases: readonly CaseView[], figure: FigureName, lookOf: LookOf): Markup | undefined {
  const shown = cases.filter(({ subjects }) => subjects.some(({ summaries }) => summaries.has(figure)))
  const summaries = shown.flatMap(({ subjects }) => subjects.flatMap((view) => view.summaries.get(figure) ?? []))
  if (summaries.length === 0) return undefined
  const x = valueScale(
    summaries.flatMap(({ lowest, highest }) => [lowest, highest]),
    [2, PLOT_END],
    4
  )
  let top = TOP
  const rows: Markup[] = []
  for (const one of shown) {
    const views = one.subjects.filter((view) => view.summaries.has(figure))
    rows.push(text(2, top + 12, shortened(one.name), 'case halo'))
    views.forEach((view, index) => rows.push(...lane(view, top + TITLE + index * LANE + LANE / 2, x, figure, lookOf(view.subject).colour)))
    top += TITLE + views.length * LANE + GAP
  }
  const { label, unit } = FIGURES[figure]
  const height = top + BOTTOM
  const parts = [...axis(x, figure, top), ...rows]
  const title = [capital(label), unitText(unit)].filter((part) => part !== '').join(', ')
  return markup`<figure><figcaption>${title}${x.isLog ? ' (logarithmic)' : ''}</figcaption>${chart(height, `${label} of every case`, parts)}</figure>`
}

function axis(x: Scale, figure: FigureName, bottom: number): Markup[] {
  return x.ticks.flatMap((tick) => [
    line(x(tick), TOP - 6, x(tick), bottom - GAP / 2, tick === 0 ? 'zero' : 'grid'),
    text(x(tick), TOP - 10, tickText(tick, figure), 'tick', x(tick) < 12 ? 'start' : 'middle')
  ])
}

function lane(view: SubjectView, y: number, x: Scale, figure: FigureName, colour: number): Markup[] {
  const summary = view.summaries.get(figure) as Summary
  const title = `${view.subject}: ${figureValue(summary.median, figure)} (${range(summary.lowest, summary.highest, figure)})`
  const comparison = view.comparisons.get(figure)
  const isClaimed = comparison !== undefined && ['better', 'worse', 'different'].includes(comparison.judgement)
  return [
    ...(x.isLog ? [line(2, y, PLOT_END, y, 'lane')] : []),
    x.isLog
      ? line(x(summary.lowest), y, x(summary.highest), y, `whisker s${colour}`)
      : markup`<rect class="bar f${colour}" x="${px(x(0))}" y="${px(y - 5)}" width="${px(Math.max(1, x(summary.median) - x(0)))}" height="10" rx="1.5"><title>${title}</title></rect>`,
    x.isLog ? mark(colour, x(summary.median), y, 4, title) : line(x(summary.lowest), y, x(summary.highest), y, 'spread'),
    text(VALUE_END, y + 4, figureValue(summary.median, figure), 'value', 'end'),
    ...(comparison === undefined
      ? []
      : [text(RATIO_END, y + 4, `${isClaimed ? '' : '≈ '}${ratio(comparison.ratio.median)} ×`, `ratio ${comparison.judgement}`, 'end')])
  ]
}

function shortened(name: string): string {
  return name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name
}
