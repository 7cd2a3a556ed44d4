/** A figure along a growing parameter: one line per subject, with the lowest and highest round at each point. */
import { scaleLog, scalePoint } from 'd3-scale'
import type { Axis, Facet } from './analysis.js'
import { CHART_WIDTH, chart, line, mark, px, stroke, text, tickText, valueScale } from './chart-parts.js'
import type { LookOf, Scale } from './chart-parts.js'
import { capital, parameterValue, range, unitText, withUnit } from './format.js'
import { markup } from './markup.js'
import type { Markup } from './markup.js'
import type { FigureName } from './result.js'
import { FIGURES } from './result.js'
import type { Summary } from './statistics.js'

const HEIGHT = 226
const EDGE = { top: 24, right: 14, bottom: 38, left: 50 } as const
/** Narrower than this, labels below the axis would touch. */
const LEAST_LABEL_GAP = 6
const CHARACTER_WIDTH = 6.1

interface Point {
  readonly at: number
  readonly summary: Summary
}

/** One plot per facet, all with the same axes, so that they can be compared. */
export function lineCharts(axis: Axis, subjects: readonly string[], figure: FigureName, lookOf: LookOf): Markup[] {
  const series = axis.facets.map((facet) => subjects.map((subject) => ({ subject, points: pointsOf(facet, subject, figure) })))
  const summaries = series.flat().flatMap(({ points }) => points.map(({ summary }) => summary))
  if (summaries.length === 0) return []
  const y = valueScale(
    summaries.flatMap(({ lowest, highest }) => [lowest, highest]),
    [HEIGHT - EDGE.bottom, EDGE.top],
    5
  )
  const places = [...new Set(axis.facets.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => a - b)
  const x = placeScale(places)
  return axis.facets.map((facet, index) => {
    const parts = [
      ...valueAxis(y, figure),
      ...placeAxis(axis, places, x),
      ...(series[index] ?? []).flatMap((one) => curve(one.subject, one.points, { x, y, figure, lookOf, axis }))
    ]
    const { label } = FIGURES[figure]
    const title = facet.title === '' ? capital(label) : facet.title
    return markup`<figure><figcaption>${title}</figcaption>${chart(HEIGHT, `${label} by ${axis.label}${facet.title === '' ? '' : `, ${facet.title}`}`, parts)}</figure>`
  })
}

function pointsOf(facet: Facet, subject: string, figure: FigureName): Point[] {
  return facet.points.flatMap(({ at, case: { subjects } }) => {
    const summary = subjects.find((view) => view.subject === subject)?.summaries.get(figure)
    return summary === undefined ? [] : [{ at, summary }]
  })
}

/** Logarithmic, because sizes and counts are multiplied from case to case; zero among them makes the places even. */
function placeScale(places: readonly number[]): (at: number) => number {
  const ends: [number, number] = [EDGE.left + 16, CHART_WIDTH - EDGE.right - 14]
  const [first = 1, last = 1] = [places[0], places.at(-1)]
  if (first > 0) {
    const scale = scaleLog().domain([first, last]).range(ends)
    return (at) => scale(at)
  }
  const scale = scalePoint<number>().domain(places).range(ends)
  return (at) => scale(at) ?? ends[0]
}

function valueAxis(y: Scale, figure: FigureName): Markup[] {
  const unit = unitText(FIGURES[figure].unit)
  return [
    text(4, 12, `${unit === '' ? FIGURES[figure].label : unit}${y.isLog ? ', logarithmic' : ''}`, 'unit'),
    ...y.ticks.flatMap((tick) => [
      line(EDGE.left, y(tick), CHART_WIDTH - EDGE.right, y(tick), tick === 0 ? 'zero' : 'grid'),
      text(EDGE.left - 6, y(tick) + 3.5, tickText(tick, figure), 'tick', 'end')
    ])
  ]
}

function placeAxis(axis: Axis, places: readonly number[], x: (at: number) => number): Markup[] {
  let end = Number.NEGATIVE_INFINITY
  const labels = places.map((at) => {
    const label = parameterValue(axis.parameter, at)
    const half = (label.length * CHARACTER_WIDTH) / 2
    const isShown = x(at) - half > end + LEAST_LABEL_GAP
    if (isShown) end = x(at) + half
    return isShown ? text(x(at), HEIGHT - EDGE.bottom + 15, label, 'tick', 'middle') : undefined
  })
  return [
    ...labels.filter((label) => label !== undefined),
    text((EDGE.left + CHART_WIDTH - EDGE.right) / 2, HEIGHT - 6, axis.label, 'axis', 'middle')
  ]
}

interface Frame {
  readonly x: (at: number) => number
  readonly y: Scale
  readonly figure: FigureName
  readonly lookOf: LookOf
  readonly axis: Axis
}

function curve(subject: string, points: readonly Point[], { x, y, figure, lookOf, axis }: Frame): Markup[] {
  const look = lookOf(subject)
  const { colour } = look
  const path = points.map(({ at, summary }, index) => `${index === 0 ? 'M' : 'L'}${px(x(at))},${px(y(summary.median))}`).join('')
  return [
    markup`<path class="line ${stroke(look)}" d="${path}"/>`,
    ...points.flatMap(({ at, summary }) => [
      line(x(at), y(summary.lowest), x(at), y(summary.highest), `whisker s${colour}`),
      mark(
        colour,
        x(at),
        y(summary.median),
        3.2,
        `${subject}, ${parameterValue(axis.parameter, at)}: ${withUnit(summary.median, figure)} (${range(summary.lowest, summary.highest, figure)})`
      )
    ])
  ]
}
