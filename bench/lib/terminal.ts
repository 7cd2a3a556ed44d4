/** A result as text: tables of medians with spread, the verdict, what was left out. Made for 100 to 140 columns. */
import { analyze, keyFigures } from './analysis.js'
import type { CaseView, GroupView, SubjectView } from './analysis.js'
import { duration, figureValue, plural, ratio, unitText } from './format.js'
import type { BenchmarkResult, FigureName } from './result.js'
import { FIGURES } from './result.js'
import type { Comparison, Summary } from './statistics.js'
import { SUITE_TITLES } from './suites.js'
import { MIB } from './units.js'
import { disturbedRounds, verdictOf } from './verdict.js'
import type { Finding } from './verdict.js'

export interface TerminalOptions {
  /** Tables and texts are at most this wide, as far as names allow. */
  readonly columns: number
  /** Bold headings and coloured ratios. */
  readonly colour: boolean
}

const GAP = '  '
const LEAST_COLUMNS = 80
const MOST_COLUMNS = 160
/** Columns of the verdict where there are many subjects. */
const VERDICT_FIGURES = 3

/** What a terminal asks for: its width, and colour unless NO_COLOR is set. */
export function terminalOptions(stream: { readonly isTTY?: boolean; readonly columns?: number }, env: NodeJS.ProcessEnv): TerminalOptions {
  return { columns: stream.columns ?? 120, colour: stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' }
}

/** The whole text, with a line break at its end. */
export function terminalText(result: BenchmarkResult, options: TerminalOptions): string {
  const columns = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, options.columns))
  const paint = painter(options.colour)
  const groups = analyze(result)
  const { machine, versions } = result
  const parts = [
    paint.bold(SUITE_TITLES[result.suite]),
    ...wrapped(
      `${machine.cpu}, ${plural(machine.cores, 'core')}, ${figureValue(machine.memoryMiB * MIB, 'sendfileBytes')} memory, ${machine.kernel}, ${machine.filesystem}`,
      columns
    ),
    ...wrapped(
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
      columns
    ),
    ...wrapped(`flush policy: ${result.flushPolicy}`, columns),
    ...wrapped(`transfer mode: ${result.transferMode}`, columns),
    ...(result.turns === undefined ? [] : wrapped(`turns: ${result.turns}`, columns)),
    ...groups.flatMap((group) => ['', ...table(group, columns, paint)]),
    ...notes(groups, columns),
    '',
    paint.bold('Verdict'),
    ...verdictLines(result, groups, columns),
    ...leftOutLines(result, columns, paint),
    '',
    `took ${duration(result.seconds)}; again: ${result.command}`
  ]
  return `${parts.join('\n')}\n`
}

interface Painter {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
}

function painter(colour: boolean): Painter {
  const paint = (code: number, off: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[${off}m` : text)
  return { bold: paint(1, 22), dim: paint(2, 22), good: paint(32, 39), bad: paint(31, 39) }
}

/** A cell keeps its plain text apart, because escape sequences have no width. */
interface Cell {
  readonly text: string
  readonly painted: string
}

interface Column {
  readonly head: readonly [string, string]
  readonly cells: readonly Cell[]
}

/**
 * Rows are subjects below the name of their case. Each figure has its median, how far the farthest round is from it, and for the figures that
 * are compared the ratio to the baseline. Figures that do not fit into the width are named below.
 */
function table(group: GroupView, columns: number, paint: Painter): string[] {
  const compared = keyFigures(group.figures)
  const rows = group.cases.flatMap((one) => rowsOf(one))
  const names = rows.map((row) => printable(nameOf(row)))
  const nameWidth = Math.max(...names.map(width), 10)
  const all = orderedFigures(group.figures, compared).map((figure) => ({
    figure,
    column: columnOf(figure, rows, compared.includes(figure), paint)
  }))
  const shown = fitting(all, columns - nameWidth)
  const lines = [
    paint.bold(printable(group.title)),
    ...[0, 1].map((line) =>
      paint.dim(' '.repeat(nameWidth) + shown.map(({ column }) => GAP + padStart(column.head[line as 0 | 1], columnWidth(column))).join(''))
    ),
    ...names.map((name, index) => {
      const cells = shown.map(({ column }) => {
        const cell = column.cells[index] as Cell
        return GAP + ' '.repeat(columnWidth(column) - width(cell.text)) + cell.painted
      })
      return `${padEnd(name, nameWidth)}${cells.join('')}`.trimEnd()
    })
  ]
  const hidden = all.slice(shown.length).map(({ figure }) => FIGURES[figure].label)
  if (hidden.length > 0) lines.push(paint.dim(`(not shown for lack of width: ${hidden.join(' · ')})`))
  return lines
}

type Row =
  | { readonly kind: 'case'; readonly one: CaseView }
  | { readonly kind: 'subject'; readonly one: CaseView; readonly view: SubjectView }

/** A case with one subject needs one row. */
function rowsOf(one: CaseView): Row[] {
  const views = one.subjects.map((view): Row => ({ kind: 'subject', one, view }))
  return views.length === 1 ? views : [{ kind: 'case', one }, ...views]
}

function nameOf(row: Row): string {
  if (row.kind === 'case') return row.one.name
  return row.one.subjects.length === 1 ? `${row.one.name}: ${row.view.subject}` : `  ${row.view.subject}`
}

/** Compared figures first, then the rest in its own order. */
function orderedFigures(figures: readonly FigureName[], compared: readonly FigureName[]): FigureName[] {
  return [...compared, ...figures.filter((figure) => !compared.includes(figure))]
}

function columnOf(figure: FigureName, rows: readonly Row[], isCompared: boolean, paint: Painter): Column {
  const { label, unit } = FIGURES[figure]
  const empty: Cell = { text: '', painted: '' }
  const parts = rows.map((row) => {
    if (row.kind === 'case') return undefined
    const summary = row.view.summaries.get(figure)
    if (summary === undefined) return undefined
    return {
      value: figureValue(summary.median, figure),
      spread: spreadText(summary),
      times: isCompared ? timesText(row.view.comparisons.get(figure)) : '',
      row
    }
  })
  const [values, spreads, times] = (['value', 'spread', 'times'] as const).map((key) =>
    Math.max(0, ...parts.map((part) => width(part?.[key] ?? '')))
  ) as [number, number, number]
  const cells = parts.map((part): Cell => {
    if (part === undefined) return empty
    const plain = `${padStart(part.value, values)} ${padEnd(part.spread, spreads)}`
    if (times === 0) return { text: plain, painted: plain }
    const comparison = part.row.view.comparisons.get(figure)
    const last = padStart(part.times, times)
    return { text: `${plain} ${last}`, painted: `${plain} ${tone(comparison, last, paint)}` }
  })
  return { head: [label, unit === 'bytes' ? '' : unitText(unit)], cells }
}

function spreadText({ count, median, lowest, highest }: Summary): string {
  if (count < 2 || median === 0) return ''
  const percent = (100 * Math.max(highest - median, median - lowest)) / Math.abs(median)
  return `±${percent < 1 ? '<1' : percent.toFixed(0)}%`
}

/** "0.52×"; "≈" before it where no difference is claimed. */
function timesText(comparison: Comparison | undefined): string {
  if (comparison === undefined) return ''
  const isClaimed = ['better', 'worse', 'different'].includes(comparison.judgement)
  return `${isClaimed ? '' : '≈'}${ratio(comparison.ratio.median)}×`
}

function tone(comparison: Comparison | undefined, text: string, paint: Painter): string {
  if (comparison?.judgement === 'better') return paint.good(text)
  return comparison?.judgement === 'worse' ? paint.bad(text) : paint.dim(text)
}

/** As many columns as fit, at least one. */
function fitting<Entry extends { readonly column: Column }>(all: readonly Entry[], available: number): Entry[] {
  let left = available
  const shown: Entry[] = []
  for (const entry of all) {
    left -= GAP.length + columnWidth(entry.column)
    if (left < 0 && shown.length > 0) break
    shown.push(entry)
  }
  return shown
}

function columnWidth({ head, cells }: Column): number {
  return Math.max(width(head[0]), width(head[1]), ...cells.map(({ text }) => width(text)))
}

function notes(groups: readonly GroupView[], columns: number): string[] {
  const baselines = new Set(
    groups.flatMap(({ cases }) => cases.filter(({ subjects }) => subjects.length > 1).map(({ baseline }) => baseline))
  )
  const [baseline] = baselines
  const lines: string[] = []
  const which = baselines.size === 1 ? `: ${baseline ?? ''}` : ' of its case'
  if (baseline !== undefined)
    lines.push(
      `median ±farthest round; × = round by round against the baseline${which}; ≈ = no difference beyond the noise, or too few rounds`
    )
  lines.push(...disturbedRounds(groups))
  return lines.length === 0 ? [] : ['', ...lines.flatMap((line) => wrapped(line, columns))]
}

function verdictLines(result: BenchmarkResult, groups: readonly GroupView[], columns: number): string[] {
  const verdict = verdictOf(result, groups)
  const hasMany = new Set(groups.flatMap(({ subjects }) => subjects)).size > 2
  const told = verdict.groups.length > 1 || hasMany ? verdict.headline : verdict.asked
  const lines = told.flatMap((text) => wrapped(`${text}.`, columns))
  for (const { title, findings, growth } of verdict.groups) {
    if (findings.length + growth.length === 0) continue
    const isTable = new Set(findings.map(({ subject }) => subject)).size > 2
    lines.push(`${printable(title)}${isTable ? ', × the baseline (least–most of the cases):' : ':'}`)
    if (isTable) lines.push(...findingsTable(findings, columns))
    const told = isTable ? [] : findings.map(({ text }) => text)
    for (const text of [...told, ...growth.map((one) => one.text)]) lines.push(...bullet(text, columns))
  }
  return lines.length > 0 ? lines : ['Nothing to compare: every case has one subject.']
}

/** Many subjects: a row each, the middle ratio of the cases with its ends, for the first few figures. */
function findingsTable(findings: readonly Finding[], columns: number): string[] {
  const figures = [...new Set(findings.map(({ figure }) => figure))].slice(0, VERDICT_FIGURES)
  const subjects = [...new Set(findings.map(({ subject }) => subject))]
  const rows = subjects.map((subject) => [
    printable(subject),
    ...figures.map((figure) => {
      const found = findings.find((one) => one.subject === subject && one.figure === figure)
      if (found === undefined) return ''
      const { middle, least, most, counts, cases } = found
      const ends = ratio(least) === ratio(most) ? '' : ` (${ratio(least)}–${ratio(most)})`
      const claims = (['better', 'worse'] as const).flatMap((kind) => (counts[kind] > 0 ? [`${counts[kind]}/${cases} ${kind}`] : []))
      return `${ratio(middle)}×${ends}  ${claims.join(', ') || 'noise'}`
    })
  ])
  const heads = ['', ...figures.map((figure) => FIGURES[figure].label)]
  const widths = heads.map((head, index) => Math.max(width(head), ...rows.map((cells) => width(cells[index] ?? ''))))
  // The names, and as many figures as fit beside them.
  let end = 0
  const shown = widths.filter((cell) => (end += GAP.length + cell) <= columns)
  const row = (cells: readonly string[]): string =>
    shown
      .map((wide, index) => GAP + padEnd(cells[index] ?? '', wide))
      .join('')
      .trimEnd()
  return [row(heads), ...rows.map(row)]
}

function leftOutLines({ leftOut }: BenchmarkResult, columns: number, paint: Painter): string[] {
  return leftOut.length === 0 ? [] : ['', paint.bold('Left out'), ...leftOut.flatMap((text) => bullet(text, columns))]
}

function bullet(text: string, columns: number): string[] {
  return wrapped(text, columns - 4).map((line, index) => (index === 0 ? `  - ${line}` : `    ${line}`))
}

/** Breaks at blanks; words longer than a line stay whole. Line breaks and escapes of hostile texts become blanks. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of printable(text).split(' ')) {
    if (line !== '' && width(line) + 1 + width(word) > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines
}

/** Names and errors come from files and other programs: no control characters reach the terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the ones that are taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').replace(/ {3,}/g, ' ')
}

function width(text: string): number {
  return text.length
}

function padStart(text: string, to: number): string {
  return ' '.repeat(Math.max(0, to - width(text))) + text
}

function padEnd(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)))
}
