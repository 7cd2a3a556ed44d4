/** The verdict: comparisons and growth in words, for the terminal and the page alike. */
import type { Axis, CaseView, Facet, GroupView, SubjectView } from './analysis.js'
import { keyFigures } from './analysis.js'
import { capital, listed, number, parameterValue, plural, ratio, ratioInterval, withUnit } from './format.js'
import type { BenchmarkResult, FigureName } from './result.js'
import { FIGURES } from './result.js'
import { compare, DISTURBED_FLOOR, DISTURBED_PERCENT, ENOUGH_ROUNDS, isDisturbed, median } from './statistics.js'
import type { Comparison, Judgement } from './statistics.js'
import { SUITE_BOUNDS } from './suites.js'
import { targetSentences } from './targets.js'

/** How a sentence about a figure goes: "A uses 0.52 × the CPU of B". Of others: "p99 of A is 0.52 × that of B". */
const PHRASES: Partial<Record<FigureName, readonly [verb: string, object: string]>> = {
  throughput: ['reaches', 'the throughput'],
  requests: ['serves', 'the requests'],
  cpu: ['uses', 'the CPU'],
  cpuUser: ['uses', 'the user CPU'],
  cpuSystem: ['uses', 'the system CPU'],
  cpuPerRequest: ['uses', 'the CPU per request'],
  cpuPerPartition: ['uses', 'the CPU per partition'],
  cpuPerOperation: ['uses', 'the CPU per operation'],
  cpuTime: ['uses', 'the CPU time'],
  cpuPercent: ['uses', 'the CPU'],
  systemCalls: ['makes', 'the system calls'],
  rss: ['takes', 'the memory'],
  rssAbove: ['takes', 'the memory above an empty broker'],
  openFiles: ['holds', 'the open files'],
  startup: ['takes', 'the start time'],
  shutdown: ['takes', 'the stop time'],
  create: ['takes', 'the time to create'],
  settled: ['takes', 'the time to settle'],
  operations: ['does', 'the operations'],
  time: ['takes', 'the time']
}

/** One comparison as a sentence without its full stop. */
export function sentence(comparison: Comparison, subject: string, baseline: string): string {
  const { figure, ratio: of, judgement } = comparison
  const { label } = FIGURES[figure]
  const interval = ratioInterval(comparison)
  const over = `${interval.includes('–') ? `${interval} ` : ''}over ${plural(of.count, 'round')}${disturbance(comparison)}`
  switch (judgement) {
    case 'few':
      return `too few rounds to compare ${label} of ${subject} and ${baseline}: ${of.count}, at least ${ENOUGH_ROUNDS} are needed (${ratio(of.median)} ×)`
    case 'noise':
      return `${subject} and ${baseline}: no difference in ${label} beyond the noise (${over})`
    case 'equal':
      return `${subject} and ${baseline}: equal ${label} within 2 % (${over})`
    case 'better':
    case 'worse':
    case 'different':
      return `${claim(figure, subject, baseline, of.median)} (${over})`
  }
}

function claim(figure: FigureName, subject: string, baseline: string, times: number): string {
  const phrase = PHRASES[figure]
  if (phrase === undefined) return `${FIGURES[figure].label} of ${subject} is ${ratio(times)} × that of ${baseline}`
  return `${subject} ${phrase[0]} ${ratio(times)} × ${phrase[1]} of ${baseline}`
}

function disturbance({ omitted, tolerated }: Comparison): string {
  if (omitted > 0) return `, ${omitted} disturbed left out`
  return tolerated > 0 ? `, ${tolerated} of them disturbed` : ''
}

/** What one subject's figure is to the baseline's over all cases of a group (or of several). */
export interface Finding {
  readonly subject: string
  readonly baseline: string
  readonly figure: FigureName
  /** The middle of the cases' ratios, and their ends. */
  readonly middle: number
  readonly least: number
  readonly most: number
  readonly counts: Readonly<Record<Judgement, number>>
  readonly cases: number
  /** What the counts say together: one judgement where all agree or nothing speaks against it, else `mixed`. */
  readonly tone: Judgement | 'mixed'
  /** One sentence without its full stop. */
  readonly text: string
}

/** The findings of a group: one per subject that is not the baseline, and key figure. */
export function findings(group: GroupView): Finding[] {
  return findingsOver(group.cases, group.subjects, keyFigures(group.figures))
}

/** The findings over the cases of all groups, by key figures of all. */
export function overallFindings(groups: readonly GroupView[]): Finding[] {
  const cases = groups.flatMap((group) => group.cases)
  const subjects = [...new Set(groups.flatMap((group) => group.subjects))]
  return findingsOver(cases, subjects, keyFigures([...new Set(groups.flatMap(({ figures }) => figures))]))
}

function findingsOver(cases: readonly CaseView[], subjects: readonly string[], figures: readonly FigureName[]): Finding[] {
  return subjects.flatMap((subject) =>
    figures.flatMap((figure) => {
      const pairs = cases.flatMap((one) => {
        const comparison = one.subjects.find((view) => view.subject === subject)?.comparisons.get(figure)
        return comparison === undefined ? [] : [{ baseline: one.baseline, comparison }]
      })
      // A group whose cases have different baselines has no common verdict.
      const baselines = new Set(pairs.map(({ baseline }) => baseline))
      const [baseline] = baselines
      if (baseline === undefined || baselines.size > 1) return []
      return [
        finding(
          subject,
          baseline,
          pairs.map(({ comparison }) => comparison)
        )
      ]
    })
  )
}

function finding(subject: string, baseline: string, comparisons: readonly Comparison[]): Finding {
  const counts = { better: 0, worse: 0, different: 0, equal: 0, noise: 0, few: 0 } satisfies Record<Judgement, number>
  for (const { judgement } of comparisons) counts[judgement]++
  const ratios = comparisons.map((one) => one.ratio.median)
  const first = comparisons[0] as Comparison
  const of = {
    subject,
    baseline,
    figure: first.figure,
    middle: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    counts,
    cases: comparisons.length,
    tone: toneOf(counts, comparisons.length)
  }
  return { ...of, text: comparisons.length === 1 ? sentence(first, subject, baseline) : manyText(of) }
}

function toneOf(counts: Record<Judgement, number>, cases: number): Finding['tone'] {
  if (counts.better > 0 && counts.worse > 0) return 'mixed'
  const told = (['better', 'worse', 'different'] as const).find((judgement) => counts[judgement] * 2 > cases)
  if (told !== undefined) return told
  if (counts.few * 2 > cases) return 'few'
  if (counts.better + counts.worse + counts.different > 0) return 'mixed'
  return counts.equal > counts.noise ? 'equal' : 'noise'
}

function manyText({ subject, baseline, figure, middle, least, most, counts, cases }: Omit<Finding, 'text'>): string {
  const ends = ratio(least) === ratio(most) ? '' : `; ${ratio(least)}–${ratio(most)}`
  return `${claim(figure, subject, baseline, middle)} (median of ${cases} cases${ends}): ${countsText(counts, cases)}`
}

/** "better in 8 of 9, no difference beyond the noise in 1". */
export function countsText(counts: Readonly<Record<Judgement, number>>, cases: number): string {
  const words: readonly [Judgement, string][] = [
    ['better', 'better'],
    ['worse', 'worse'],
    ['different', 'different'],
    ['equal', 'equal within 2 %'],
    ['noise', 'no difference beyond the noise'],
    ['few', 'too few rounds to tell']
  ]
  const told = words.filter(([judgement]) => counts[judgement] > 0)
  return told
    .map(([judgement, text], index) => `${text} in ${index === 0 ? `${counts[judgement]} of ${cases}` : counts[judgement]}`)
    .join(', ')
}

/** In how many cases which subject is the best or not told apart from it: "Least CPU, or within the noise of it: sendfile in 24 of 24 cases, mmap in 8". */
export function bestSubjects(groups: readonly GroupView[], figure: FigureName, limits: readonly string[] = []): string | undefined {
  const all = groups.flatMap(({ cases }) => cases.map(({ subjects }) => subjects.filter(({ subject }) => !limits.includes(subject))))
  const cases = all.map((subjects) => subjects.filter(({ summaries }) => summaries.has(figure))).filter((subjects) => subjects.length > 1)
  if (cases.length === 0) return undefined
  const wins = new Map<string, number>()
  for (const { subject } of cases.flatMap((subjects) => leaders(subjects, figure))) wins.set(subject, (wins.get(subject) ?? 0) + 1)
  const what = `${FIGURES[figure].better === 'higher' ? 'Most' : 'Least'} ${FIGURES[figure].label}`
  if (wins.size === 0) return `${what}: too few rounds to tell in all ${plural(cases.length, 'case')}`
  const order = [...wins].sort(([, one], [, other]) => other - one)
  const text = order.map(([subject, count], index) => `${subject} in ${count}${index === 0 ? ` of ${plural(cases.length, 'case')}` : ''}`)
  return `${what}, or within the noise of it: ${listed(text)}`
}

/** The subject with the best median and those that it does not beat beyond the noise; none where the rounds are too few. */
function leaders(subjects: readonly SubjectView[], figure: FigureName): SubjectView[] {
  const sign = FIGURES[figure].better === 'higher' ? -1 : 1
  const rank = ({ summaries }: SubjectView): number => sign * (summaries.get(figure)?.median ?? Number.NaN)
  const [best, ...others] = subjects.toSorted((one, other) => rank(one) - rank(other))
  if (best === undefined) return []
  const judged = others.map((view) => ({ view, judgement: compare(best.rounds, view.rounds, figure)?.judgement ?? 'few' }))
  if (judged.every(({ judgement }) => judgement === 'few')) return []
  return [best, ...judged.filter(({ judgement }) => judgement === 'noise' || judgement === 'equal').map(({ view }) => view)]
}

/** Parameters of which a broker should cost the same however large they are. */
const GROWING = /^(connections|partitions|topics|consumers|groups|records|segments|logBytes|idleConnections|waiting\w*)$/

/** How many figures of a group are told along its axis. */
const GROWING_FIGURES: readonly FigureName[] = ['cpuPerPartition', 'cpuPerRequest', 'cpu', 'startup', 'p99', 'rss']
const MOST_GROWING_FIGURES = 3

/** What a subject's figure is at the first and at the last point of an axis. */
export interface Growth {
  readonly subject: string
  readonly figure: FigureName
  /** "connections 1 → 10,000", with the facet where there are several. */
  readonly along: string
  /** "20.9 µs → 22.2 µs" */
  readonly change: string
  /** Last divided by first; undefined where the first is nothing. */
  readonly factor: number | undefined
  /** One sentence without its full stop. */
  readonly text: string
}

/** How cost grows along a group's axis: "CPU per request of Sluice, connections 1 → 10,000: 12.1 µs → 13.0 µs (1.07 × for 10,000 times as much)". */
export function growth(group: GroupView): Growth[] {
  const { axis } = group
  if (axis === undefined || !GROWING.test(axis.parameter)) return []
  const figures = GROWING_FIGURES.filter((figure) => group.figures.includes(figure)).slice(0, MOST_GROWING_FIGURES)
  return axis.facets.flatMap((facet) =>
    group.subjects.flatMap((subject) => figures.flatMap((figure) => growthOf(axis, facet, subject, figure) ?? []))
  )
}

function growthOf(axis: Axis, facet: Facet, subject: string, figure: FigureName): Growth | undefined {
  const points = facet.points.flatMap(({ at, case: { subjects } }) => {
    const summary = subjects.find((view) => view.subject === subject)?.summaries.get(figure)
    return summary === undefined ? [] : [{ at, value: summary.median }]
  })
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || points.length < 3) return undefined
  const factor = first.value > 0 ? last.value / first.value : undefined
  const [from, to] = [parameterValue(axis.parameter, first.at), parameterValue(axis.parameter, last.at)]
  const along = `${facet.title === '' ? '' : `${facet.title}, `}${axis.label} ${from} → ${to}`
  const change = `${withUnit(first.value, figure)} → ${withUnit(last.value, figure)}`
  const times = factor === undefined ? '' : ` (${ratio(factor)} × for ${number(last.at / Math.max(first.at, 1))} times as much)`
  return { subject, figure, along, change, factor, text: `${capital(FIGURES[figure].label)} of ${subject}, ${along}: ${change}${times}` }
}

/** One sentence about disturbed rounds, if there are any. */
export function disturbedRounds(groups: readonly GroupView[]): string[] {
  const views = groups.flatMap(({ cases }) => cases.flatMap(({ subjects }) => subjects))
  const all = views.reduce((sum, { rounds }) => sum + rounds.length, 0)
  const disturbed = views.reduce((sum, { rounds }) => sum + rounds.filter(isDisturbed).length, 0)
  const kept = views.reduce((sum, { tolerated }) => sum + tolerated, 0)
  if (disturbed === 0) return []
  const isCold = views.some(({ rounds }) => rounds.some(({ floor = 0 }) => floor > DISTURBED_FLOOR))
  const cold = isCold ? `, or filling the page cache alone took more than ${DISTURBED_FLOOR} CPU-s/GiB` : ''
  return [
    `${disturbed} of ${plural(all, 'measurement')} disturbed: others used more than ${DISTURBED_PERCENT} % of the machine${cold}; ` +
      `${disturbed - kept} left out of the medians, ${kept} kept because too few others remain`
  ]
}

/** The lines of the verdict: overall first, then group by group, then what grows how. */
export interface Verdict {
  readonly headline: readonly string[]
  /** Of the headline, what the suite is meant to reach: told however little was measured. */
  readonly asked: readonly string[]
  readonly groups: readonly { readonly title: string; readonly findings: readonly Finding[]; readonly growth: readonly Growth[] }[]
}

export function verdictOf({ suite, limits }: Pick<BenchmarkResult, 'suite' | 'limits'>, groups: readonly GroupView[]): Verdict {
  const subjects = new Set(groups.flatMap((group) => group.subjects))
  const told =
    subjects.size > 2
      ? (['cpu', 'throughput', 'time'] as const).flatMap((figure) => bestSubjects(groups, figure, limits) ?? [])
      : overallFindings(groups).map(({ text }) => text)
  const asked = [...boundSentence(groups, suite, limits), ...targetSentences(groups, suite)]
  return {
    headline: [...asked, ...told],
    asked,
    groups: groups.map((group) => ({ title: group.title, findings: findings(group), growth: suite === 'micro' ? [] : growth(group) }))
  }
}

/** Whether a suite's bound is kept: "p99 at most 2 × that of the baseline: kept in 8 of 8 cases; the highest is 1.34 ×". */
function boundSentence(groups: readonly GroupView[], suite: BenchmarkResult['suite'], limits: readonly string[] = []): string[] {
  const bound = SUITE_BOUNDS[suite]
  if (bound === undefined) return []
  const ratios = groups.flatMap(({ cases }) =>
    cases.flatMap(({ name, baseline, subjects }) =>
      subjects.flatMap(({ subject, comparisons }) => {
        const comparison = comparisons.get(bound.figure)
        return comparison === undefined || limits.includes(subject) ? [] : [{ name, baseline, subject, ratio: comparison.ratio.median }]
      })
    )
  )
  const [highest] = ratios.toSorted((a, b) => b.ratio - a.ratio)
  if (highest === undefined) return []
  const kept = ratios.filter((one) => one.ratio <= bound.most).length
  const which = `${highest.name}, ${highest.subject}`
  return [
    `${FIGURES[bound.figure].label} at most ${bound.most} × that of the baseline: kept in ${kept} of ${plural(ratios.length, 'case')}; ` +
      `the highest ratio is ${ratio(highest.ratio)} × (${which})`
  ]
}
