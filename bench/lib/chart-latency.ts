/** The distribution of latency: how long the slowest half, tenth, hundredth … of requests took. The tail gets as much room as the rest. */
import { CHART_WIDTH, chart, line, logScale, px, stroke, text, tickText } from './chart-parts.js'
import type { Look, LookOf } from './chart-parts.js'
import type { CaseView, SubjectView } from './analysis.js'
import { markup } from './markup.js'
import type { Markup } from './markup.js'

const HEIGHT = 226
const EDGE = { top: 24, right: 14, bottom: 38, left: 50 } as const
/** Shares of slower requests that have a label. */
const LABELS = ['50 %', '90 %', '99 %', '99.9 %', '99.99 %', '99.999 %'] as const

const CHARACTER_WIDTH = 6.4
const LABEL_GAP = 5
/** In pixels. */
const LEAST_STEP = 2

interface Distribution {
  readonly subject: string
  readonly samples: number
  /** Milliseconds, and the share of requests that took longer; falling. */
  readonly tail: readonly (readonly [number, number])[]
}

/** Undefined when no round of the case has a histogram. */
export function latencyChart(one: CaseView, lookOf: LookOf): Markup | undefined {
  const distributions = one.subjects.flatMap((view) => distributionOf(view) ?? [])
  if (distributions.length === 0) return undefined
  const values = distributions.flatMap(({ tail }) => tail.filter(([, share]) => share <= 0.5).map(([ms]) => ms))
  const y = logScale([Math.min(...values), Math.max(...values)], [HEIGHT - EDGE.bottom, EDGE.top])
  const deepest = Math.max(2, ...distributions.map(({ samples }) => Math.log10(samples)))
  const right = CHART_WIDTH - EDGE.right
  const x = (share: number): number => EDGE.left + ((right - EDGE.left) * (-Math.log10(share) - Math.log10(2))) / (deepest - Math.log10(2))
  let labelled = Number.NEGATIVE_INFINITY
  const parts = [
    text(4, 12, 'ms, logarithmic', 'unit'),
    ...y.ticks.flatMap((tick) => [
      line(EDGE.left, y(tick), right, y(tick), 'grid'),
      text(EDGE.left - 6, y(tick) + 3.5, tickText(tick, undefined), 'tick', 'end')
    ]),
    ...LABELS.flatMap((label, index) => {
      const at = x(index === 0 ? 0.5 : 10 ** -index)
      if (at > right + 1) return []
      const rule = line(at, EDGE.top, at, HEIGHT - EDGE.bottom, 'grid')
      const half = (label.length * CHARACTER_WIDTH) / 2
      if (at - half < labelled) return [rule]
      labelled = at + half + LABEL_GAP
      return [rule, text(Math.min(at, CHART_WIDTH - half), HEIGHT - EDGE.bottom + 15, label, 'tick', 'middle')]
    }),
    text((EDGE.left + right) / 2, HEIGHT - 6, 'share of requests that were faster', 'axis', 'middle'),
    ...distributions.map((distribution) => steps(distribution, x, y, lookOf(distribution.subject)))
  ]
  return markup`<figure><figcaption>Latency: ${one.name}</figcaption>${chart(HEIGHT, `distribution of latency, ${one.name}`, parts)}</figure>`
}

/** Counts of all rounds that count, together. */
function distributionOf({ subject, counted }: SubjectView): Distribution | undefined {
  const counts = new Map<number, number>()
  for (const { histogram } of counted) for (const [ms, samples] of histogram ?? []) counts.set(ms, (counts.get(ms) ?? 0) + samples)
  const rows = [...counts].filter(([, samples]) => samples > 0).sort(([a], [b]) => a - b)
  const samples = rows.reduce((sum, [, count]) => sum + count, 0)
  if (samples < 2) return undefined
  let slower = samples
  const tail = rows.map(([ms, count]) => {
    slower -= count
    // Nothing is slower than the last: drawn where one of all would be.
    return [ms, Math.max(slower, 1) / samples] as const
  })
  return { subject, samples, tail }
}

function steps({ subject, tail }: Distribution, x: (share: number) => number, y: (ms: number) => number, look: Look): Markup {
  const start = tail.findIndex(([, share]) => share <= 0.5)
  const shown = tail.slice(Math.max(0, start))
  const from = shown[0] as readonly [number, number]
  let [lastX, lastY] = [x(0.5), y(from[0])]
  const points = shown.flatMap(([ms, share], index) => {
    const [nextX, nextY] = [x(Math.min(share, 0.5)), y(ms)]
    // What nobody can see apart only makes the page longer.
    if (Math.hypot(nextX - lastX, nextY - lastY) < LEAST_STEP && index < shown.length - 1) return []
    ;[lastX, lastY] = [nextX, nextY]
    return [`L${px(nextX)},${px(nextY)}`]
  })
  return markup`<path class="line ${stroke(look)}" d="${`M${px(x(0.5))},${px(y(from[0]))}${points.join('')}`}"><title>${subject}</title></path>`
}
