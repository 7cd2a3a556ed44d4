/** What a suite asks of its figures, and whether they reach it, in sentences. */
import type { CaseView, GroupView } from './analysis.js'
import { capital, plural, ratio, withUnit } from './format.js'
import { FIGURES } from './result.js'
import { compare } from './statistics.js'
import { SUITE_TARGETS, type Suite, type Target } from './suites.js'

interface Reached {
  readonly name: string
  readonly value: number
}

/**
 * One sentence for each target of which something was measured: "Append, no flush: throughput of Sluice at least 0.80 × that of C++ pwrite: reached in
 * 1 of 2 cases; the lowest is 0.75 × (64 KiB batches, 100 logs)".
 */
export function targetSentences(groups: readonly GroupView[], suite: Suite): string[] {
  return (SUITE_TARGETS[suite] ?? []).flatMap((target) =>
    groups.filter(({ title }) => title.startsWith(target.group)).flatMap((group) => sentenceOf(group, target) ?? [])
  )
}

function sentenceOf(group: GroupView, target: Target): string | undefined {
  const { figure, name = /^/, least, most } = target
  const cases = group.cases.filter((one) => name.test(one.name))
  const values = cases.flatMap((one) => valueOf(one, target) ?? [])
  const [first] = cases
  if (values.length === 0 || first === undefined) return undefined
  const isReached = ({ value }: Reached): boolean => (least === undefined || value >= least) && (most === undefined || value <= most)
  const [farthest] = values.toSorted((one, other) => (least === undefined ? other.value - one.value : one.value - other.value))
  const text = (value: number): string => (target.of === undefined ? withUnit(value, figure) : `${ratio(value)} ×`)
  const bound = least === undefined ? `at most ${text(most ?? Infinity)}` : `at least ${text(least)}`
  const other = target.of === undefined ? '' : ` that of ${subjectOf(first, target.of)?.subject}`
  const count = values.filter(isReached).length
  const extreme = least === undefined ? 'highest' : 'lowest'
  return (
    `${capital(group.title)}: ${FIGURES[figure].label} of ${target.subject ?? first.baseline} ${bound}${other}: reached in ${count} of ` +
    `${plural(values.length, 'case')}; the ${extreme} is ${text(farthest!.value)} (${farthest!.name})`
  )
}

function valueOf(one: CaseView, { figure, subject = one.baseline, of }: Target): Reached | undefined {
  const ours = subjectOf(one, subject)
  if (ours === undefined) return undefined
  const other = of === undefined ? undefined : subjectOf(one, of)
  if (of !== undefined && other === undefined) return undefined
  const value = other === undefined ? ours.summaries.get(figure)?.median : compare(ours.rounds, other.rounds, figure)?.ratio.median
  return value === undefined ? undefined : { name: one.name, value }
}

function subjectOf({ subjects }: CaseView, beginning: string): CaseView['subjects'][number] | undefined {
  return subjects.find(({ subject }) => subject.startsWith(beginning))
}
