/** What the plots share: sizes, axes, marks. Colours are classes, so that the page's style decides them for light, dark and paper. */
import { scaleLinear, scaleLog } from 'd3-scale'
import { bytes, number } from './format.js'
import { joined, markup } from './markup.js'
import type { Markup } from './markup.js'
import type { FigureName } from './result.js'
import { FIGURES } from './result.js'

/** Plots are drawn for this width and scale with their column; small, so that they stay readable on a phone. */
export const CHART_WIDTH = 360
/** More subjects than this share colours. */
export const COLOURS = 10
/** Beyond this quotient of largest and smallest value an axis is logarithmic. */
const LOG_FROM = 12

export interface Scale {
  (value: number): number
  readonly isLog: boolean
  readonly ticks: readonly number[]
}

/** Rounded to tenths of a pixel: less text, no visible difference. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** An axis of values: from zero, or logarithmic where values lie far apart. */
export function valueScale(values: readonly number[], range: readonly [number, number], ticks: number): Scale {
  const finite = values.filter((value) => Number.isFinite(value))
  const positive = finite.filter((value) => value > 0)
  const top = Math.max(...finite, Number.MIN_VALUE)
  const bottom = Math.min(...positive, top)
  if (positive.length === finite.length && top / bottom > LOG_FROM) return logScale([bottom, top], range)
  const scale = scaleLinear()
    .domain([0, top * 1.04])
    .nice(ticks)
    .range([...range])
  return Object.assign((value: number) => scale(value), { isLog: false, ticks: scale.ticks(ticks) })
}

/** A logarithmic axis a little wider than its values, with ticks at 1, or 1-2-5 where few decades are shown. */
export function logScale([bottom, top]: readonly [number, number], range: readonly [number, number]): Scale {
  const domain: [number, number] = [bottom / 1.15, Math.max(top, bottom * 2) * 1.15]
  const scale = scaleLog()
    .domain(domain)
    .range([...range])
  const decades = Math.log10(domain[1] / domain[0])
  const steps = decades <= 3 ? [1, 2, 5] : [1]
  const first = Math.floor(Math.log10(domain[0]))
  const every = Math.max(1, Math.ceil(decades / 6))
  const ticks: number[] = []
  for (let decade = first; decade <= Math.ceil(Math.log10(domain[1])); decade++) {
    if (steps.length === 1 && (decade - first) % every !== 0) continue
    ticks.push(...steps.map((step) => step * 10 ** decade).filter((tick) => tick >= domain[0] && tick <= domain[1]))
  }
  return Object.assign((value: number) => scale(Math.max(value, domain[0])), { isLog: true, ticks })
}

/** The text of a tick: short, because there is little room. */
export function tickText(value: number, figure: FigureName | undefined): string {
  if (figure !== undefined && FIGURES[figure].unit === 'bytes') return bytes(value)
  if (value >= 1e9) return `${number(value / 1e9)} G`
  if (value >= 1e6) return `${number(value / 1e6)} M`
  if (value >= 1e4) return `${number(value / 1e3)} k`
  return value === 0 ? '0' : String(Number(value.toPrecision(3)))
}

/** Shapes beside colours, so that subjects differ on paper and for everybody. */
const SHAPES: readonly ((r: number) => string)[] = [
  (r) => `M${px(-r)},0a${px(r)},${px(r)} 0 1,0 ${px(2 * r)},0a${px(r)},${px(r)} 0 1,0 ${px(-2 * r)},0z`,
  (r) => polygon(r * 0.9, [-1, -1, 1, -1, 1, 1, -1, 1]),
  (r) => polygon(r * 1.15, [0, -1, 0.95, 0.75, -0.95, 0.75]),
  (r) => polygon(r * 1.25, [0, -1, 1, 0, 0, 1, -1, 0]),
  (r) => polygon(r * 1.15, [0, 1, 0.95, -0.75, -0.95, -0.75]),
  (r) =>
    polygon(
      r * 1.1,
      [-0.35, -1, 0.35, -1, 0.35, -0.35, 1, -0.35, 1, 0.35, 0.35, 0.35, 0.35, 1, -0.35, 1, -0.35, 0.35, -1, 0.35, -1, -0.35, -0.35, -0.35]
    ),
  (r) => polygon(r * 1.15, [-0.8, 0.95, 0.75, 0, -0.8, -0.95]),
  (r) => polygon(r * 1.05, [0, -1, 0.95, -0.31, 0.59, 0.81, -0.59, 0.81, -0.95, -0.31]),
  (r) => polygon(r * 1.15, [0.8, 0.95, -0.75, 0, 0.8, -0.95]),
  (r) => polygon(r, [-0.5, -0.9, 0.5, -0.9, 1, 0, 0.5, 0.9, -0.5, 0.9, -1, 0])
]

function polygon(r: number, points: readonly number[]): string {
  const pairs = Array.from(
    { length: points.length / 2 },
    (_, index) => `${px(r * (points[2 * index] ?? 0))},${px(r * (points[2 * index + 1] ?? 0))}`
  )
  return `M${pairs.join('L')}z`
}

/** The mark of the subject with this colour, around (x, y). */
export function mark(colour: number, x: number, y: number, radius = 3.4, title?: string): Markup {
  const shape = (SHAPES[colour % SHAPES.length] as (r: number) => string)(radius)
  return markup`<path class="f${colour}" d="${shape}" transform="translate(${px(x)},${px(y)})">${title === undefined ? undefined : markup`<title>${title}</title>`}</path>`
}

/** A whole plot; the description is for those who do not see it. */
export function chart(height: number, description: string, parts: readonly Markup[]): Markup {
  return markup`<svg class="chart" viewBox="0 0 ${CHART_WIDTH} ${Math.ceil(height)}" role="img" aria-label="${description}">${joined(parts)}</svg>`
}

export function text(x: number, y: number, content: string, classes = '', anchor: 'start' | 'middle' | 'end' = 'start'): Markup {
  return markup`<text x="${px(x)}" y="${px(y)}" class="${classes}" text-anchor="${anchor}">${content}</text>`
}

export function line(x1: number, y1: number, x2: number, y2: number, classes: string): Markup {
  return markup`<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" class="${classes}"/>`
}

/** How a subject looks: its colour and shape, and a dashed line for what is no choice but a limit. */
export interface Look {
  readonly colour: number
  readonly isLimit: boolean
}

export type LookOf = (subject: string) => Look

/** The class of a subject's line. */
export function stroke({ colour, isLimit }: Look): string {
  return `s${colour}${isLimit ? ' limit' : ''}`
}

/** The marks' meaning, above the plots of a group. */
export function legend(subjects: readonly string[], lookOf: LookOf, baseline: string | undefined): Markup {
  const note = (subject: string): Markup | undefined => {
    if (subject === baseline) return markup` <small>baseline</small>`
    return lookOf(subject).isLimit ? markup` <small>limit, dashed</small>` : undefined
  }
  const entries = subjects.map(
    (subject) =>
      markup`<li><svg viewBox="-6 -6 12 12" aria-hidden="true">${mark(lookOf(subject).colour, 0, 0, 4)}</svg>${subject}${note(subject)}</li>`
  )
  return markup`<ul class="legend">${entries}</ul>`
}
