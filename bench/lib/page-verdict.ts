/** The verdict at the head of the page: sentences first, then every group in one table. */
import type { GroupView } from './analysis.js'
import { mark } from './chart-parts.js'
import type { LookOf } from './chart-parts.js'
import { capital, ratio } from './format.js'
import { groupBy, pairKey } from './grouping.js'
import { markup } from './markup.js'
import type { Markup } from './markup.js'
import type { BenchmarkResult, FigureName } from './result.js'
import { FIGURES } from './result.js'
import { SUITE_TITLES } from './suites.js'
import type { Judgement } from './statistics.js'
import { disturbedRounds, verdictOf } from './verdict.js'
import type { Finding, Verdict } from './verdict.js'

export interface SuiteView {
  readonly result: BenchmarkResult
  readonly id: string
  readonly groups: readonly GroupView[]
  /** How subjects look in a group. */
  readonly looks: (group: string) => LookOf
}

/** Columns of tables of findings; the sentences on the terminal name the rest. */
const GROUP_COLUMNS = 8
const SUBJECT_COLUMNS = 4
/** Suites with more subjects than this have a row per subject and a table per group. */
const TWO = 2

export function verdictSection(suites: readonly SuiteView[]): Markup {
  return markup`<section class="verdict" id="verdict"><h2>Verdict</h2>${suites.map((suite) => suiteVerdict(suite, suites.length > 1))}</section>`
}

function suiteVerdict({ result, groups, id, looks }: SuiteView, isOneOfMany: boolean): Markup {
  const verdict = verdictOf(result, groups)
  const told = verdict.groups.filter(({ findings, growth }) => findings.length + growth.length > 0)
  const title = isOneOfMany ? markup`<h3><a href="#${id}">${SUITE_TITLES[result.suite]}</a></h3>` : undefined
  if (told.length === 0) return markup`${title}<p>Nothing to compare: every case has one subject.</p>`
  const isLong = new Set(groups.flatMap((group) => group.subjects)).size > TWO
  const tables = isLong ? subjectsTable(told, looks) : groupsTable(told)
  const folded = isOneOfMany && isLong ? markup`<details><summary>Every subject</summary>${tables}</details>` : markup`${tables}`
  const notice = disturbedRounds(groups).map((text) => markup`<p class="notice">${text}.</p>`)
  return markup`${title}${sentences(verdict.headline)}${notice}${folded}${growthTable(told)}`
}

function sentences(texts: readonly string[]): Markup | undefined {
  return texts.length === 0 ? undefined : markup`<ul>${texts.map((text) => markup`<li>${text}.</li>`)}</ul>`
}

/** What grows how: a row per group and subject, a column per figure. */
function growthTable(groups: readonly VerdictGroup[]): Markup | undefined {
  const figures = [...new Set(groups.flatMap(({ growth }) => growth.map(({ figure }) => figure)))]
  if (figures.length === 0) return undefined
  const rows = groups.flatMap(({ title, growth }) =>
    [...groupBy(growth, ({ subject, along }) => pairKey(subject, along)).values()].map((same) => {
      const cells = figures.map((figure) => {
        const found = same.find((one) => one.figure === figure)
        if (found === undefined) return markup`<td></td>`
        const times = found.factor === undefined ? undefined : markup`<b>${ratio(found.factor)} ×</b>`
        return markup`<td title="${found.text}">${times}<small>${found.change}</small></td>`
      })
      return markup`<tr><th scope="row">${capital(title)}<small>${same[0]?.subject ?? ''}, ${same[0]?.along ?? ''}</small></th>${cells}</tr>`
    })
  )
  return table('', figures, rows)
}

type VerdictGroup = Verdict['groups'][number]

/** One subject against another: a row per group. */
function groupsTable(groups: readonly VerdictGroup[]): Markup | undefined {
  const all = groups.flatMap(({ findings }) => findings)
  const [first] = all
  if (first === undefined || groups.length < TWO) return undefined
  const figures = mostCommon(all, GROUP_COLUMNS)
  const rows = groups
    .filter(({ findings }) => findings.length > 0)
    .map(({ title, findings }) => row(markup`${capital(title)}${casesNote(findings)}`, findings, figures))
  return table(`${first.subject} / ${first.baseline}`, figures, rows)
}

/** Many subjects: a row each, below the name of their group. */
function subjectsTable(groups: readonly VerdictGroup[], looks: SuiteView['looks']): Markup | undefined {
  const figures = mostCommon(
    groups.flatMap(({ findings }) => findings),
    SUBJECT_COLUMNS
  )
  const rows = groups.flatMap(({ title, findings }) => {
    const [first] = findings
    if (first === undefined) return []
    const note = `${first.cases > 1 ? `${first.cases} cases, ` : ''}divided by ${first.baseline}`
    const head = markup`<tr class="case"><th scope="rowgroup" colspan="${figures.length + 1}">${capital(title)} <small class="inline">${note}</small></th></tr>`
    const subjects = [...new Set(findings.map(({ subject }) => subject))].map((subject) => {
      const key = markup`<svg class="key" viewBox="-6 -6 12 12" aria-hidden="true">${mark(looks(title)(subject).colour, 0, 0, 4.6)}</svg>`
      const own = findings.filter((one) => one.subject === subject)
      return row(markup`${key}${subject}`, own, figures)
    })
    return [head, ...subjects]
  })
  return rows.length === 0 ? undefined : table('', figures, rows)
}

/** The figures that most findings are about, in their own order. */
function mostCommon(findings: readonly Finding[], most: number): FigureName[] {
  const counts = new Map<FigureName, number>()
  for (const { figure } of findings) counts.set(figure, (counts.get(figure) ?? 0) + 1)
  const kept = [...counts].sort(([, a], [, b]) => b - a).slice(0, most)
  return [...counts.keys()].filter((figure) => kept.some(([name]) => name === figure))
}

function casesNote(findings: readonly Finding[]): Markup | undefined {
  const cases = Math.max(...findings.map((one) => one.cases))
  return cases > 1 ? markup` <small class="inline">${cases} cases</small>` : undefined
}

function row(head: Markup, findings: readonly Finding[], figures: readonly FigureName[]): Markup {
  const cells = figures.map((figure) => {
    const found = findings.find((one) => one.figure === figure)
    if (found === undefined) return markup`<td></td>`
    const ends =
      ratio(found.least) === ratio(found.most) ? undefined : markup` <span class="soft">${ratio(found.least)}–${ratio(found.most)}</span>`
    return markup`<td class="${found.tone}" title="${found.text}"><b>${ratio(found.middle)}</b>${ends}<small>${shortCounts(found)}</small></td>`
  })
  return markup`<tr><th scope="row">${head}</th>${cells}</tr>`
}

function table(corner: string, figures: readonly FigureName[], rows: readonly Markup[]): Markup {
  const heads = figures.map((figure) => markup`<th scope="col">${capital(FIGURES[figure].label)}</th>`)
  return markup`<div class="scroll"><table class="counts"><thead><tr><th scope="col">${corner}</th>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`
}

/** "better in 4, noise in 2"; one word where all agree. */
function shortCounts({ counts, cases }: Finding): string {
  const words: readonly (readonly [Judgement, string])[] = [
    ['better', 'better'],
    ['worse', 'worse'],
    ['different', 'different'],
    ['equal', 'equal'],
    ['noise', 'noise'],
    ['few', 'too few rounds']
  ]
  const told = words.filter(([judgement]) => counts[judgement] > 0)
  return told
    .map(([judgement, word]) =>
      counts[judgement] === cases ? (cases > 1 && judgement !== 'few' ? `${word} in all` : word) : `${word} in ${counts[judgement]}`
    )
    .join(', ')
}
