/** What rounds allow to say: medians, intervals, and when a difference is claimed. */
import test from 'ava'
import fc from 'fast-check'
import type { Round } from '../../bench/lib/result.js'
import { compare, countedRounds, droppedAtEachEnd, median, summarize, summarizeFigure, isDisturbed } from '../../bench/lib/statistics.js'
import { randomFrom } from '../../src/cli/crash-disk.js'

const value = fc.double({ min: 1e-6, max: 1e9, noNaN: true })
const values = fc.array(value, { minLength: 1, maxLength: 30 })

function rounds(cpu: readonly number[], disturbed: readonly number[] = []): Round[] {
  return cpu.map((seconds, index) => ({
    round: index + 1,
    figures: { cpu: seconds },
    otherPercent: disturbed.includes(index + 1) ? 40 : 0.5
  }))
}

test('a median has as many values below as above, whatever their order', (t) => {
  fc.assert(
    fc.property(values, (list) => {
      const middle = median(list)
      t.is(middle, median(list.toReversed()))
      const below = list.filter((one) => one < middle).length
      const above = list.filter((one) => one > middle).length
      return below <= list.length / 2 && above <= list.length / 2
    })
  )
})

test('a summary is in order: lowest, interval, median, interval, highest', (t) => {
  fc.assert(
    fc.property(values, (list) => {
      const summary = summarize(list)
      if (summary === undefined) return false
      const { lowest, low, high, highest } = summary
      return lowest <= low && low <= summary.median && summary.median <= high && high <= highest && summary.count === list.length
    })
  )
  t.is(summarize([]), undefined)
})

test('the interval covers the true median in nine of ten samples, of any distribution', (t) => {
  const random = randomFrom(7)
  const exponential = (): number => -Math.log(1 - random())
  for (const count of [5, 7, 10, 20]) {
    let covered = 0
    const samples = 4000
    for (let sample = 0; sample < samples; sample++) {
      const summary = summarize(Array.from({ length: count }, exponential))
      if (summary !== undefined && summary.low <= Math.LN2 && summary.high >= Math.LN2) covered++
    }
    t.true(covered / samples > 0.89, `${count} values: covered in ${covered} of ${samples}`)
  }
  t.is(droppedAtEachEnd(4), 0)
  t.is(droppedAtEachEnd(10), 1)
})

test('comparing the other way round turns the ratio and the judgement over', (t) => {
  const swapped = { better: 'worse', worse: 'better', different: 'different', equal: 'equal', noise: 'noise', few: 'few' } as const
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 }), (pairs) => {
      const [a, b] = [rounds(pairs.map(([first]) => first)), rounds(pairs.map(([, second]) => second))]
      const there = compare(a, b, 'cpu')
      const back = compare(b, a, 'cpu')
      if (there === undefined || back === undefined) return false
      // The mean of two middle ratios is not the inverse of the mean of their inverses: at its limit a claim may be one from one side alone.
      if (pairs.length % 2 === 0) return !(there.judgement === back.judgement && ['better', 'worse'].includes(there.judgement))
      t.is(back.judgement, swapped[there.judgement])
      return Math.abs(there.ratio.median * back.ratio.median - 1) < 1e-9
    })
  )
})

test('a claimed difference has all of its interval on one side of 1', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 }), (pairs) => {
      const comparison = compare(rounds(pairs.map(([first]) => first)), rounds(pairs.map(([, second]) => second)), 'cpu')
      if (comparison === undefined) return false
      const { judgement, ratio } = comparison
      if (judgement === 'better') return ratio.count >= 3 && ratio.high < 1
      if (judgement === 'worse') return ratio.count >= 3 && ratio.low > 1
      return true
    })
  )
  t.pass()
})

test('chance alone is seldom called a difference', (t) => {
  const random = randomFrom(3)
  const noisy = (count: number): Round[] => rounds(Array.from({ length: count }, () => 1 + 0.3 * random()))
  for (const count of [3, 4, 5, 7, 10]) {
    let claimed = 0
    const trials = 4000
    for (let trial = 0; trial < trials; trial++) {
      const judgement = compare(noisy(count), noisy(count), 'cpu')?.judgement
      if (judgement === 'better' || judgement === 'worse') claimed++
    }
    t.true(claimed / trials < 0.11, `${count} rounds: ${claimed} of ${trials}`)
  }
})

test('a clear difference is claimed from three rounds on, and not with two', (t) => {
  t.is(compare(rounds([0.5, 0.52, 0.51]), rounds([1, 1.01, 1.02]), 'cpu')?.judgement, 'better')
  t.is(compare(rounds([0.5, 0.52]), rounds([1, 1.01]), 'cpu')?.judgement, 'few')
  t.is(compare(rounds([1, 0.9, 1.2]), rounds([1.1, 1, 1]), 'cpu')?.judgement, 'noise')
})

test('three rounds that agree on the side but hardly on the size are noise', (t) => {
  t.is(compare(rounds([0.99, 0.7, 0.95]), rounds([1, 1, 1]), 'cpu')?.judgement, 'noise')
})

test('a steady difference below two percent is called equal', (t) => {
  const other = [1, 1, 1, 1, 1]
  t.is(compare(rounds([0.99, 0.991, 0.992, 0.99, 0.99]), rounds(other), 'cpu')?.judgement, 'equal')
  t.is(compare(rounds([0.97, 0.971, 0.972, 0.97, 0.97]), rounds(other), 'cpu')?.judgement, 'better')
})

test('which direction is better depends on the figure', (t) => {
  const of = (throughput: readonly number[]): Round[] =>
    throughput.map((mib, index) => ({ round: index + 1, figures: { throughput: mib, sendfileBytes: mib } }))
  t.is(compare(of([200, 201, 202]), of([100, 101, 102]), 'throughput')?.judgement, 'better')
  t.is(compare(of([100, 101, 102]), of([200, 201, 202]), 'throughput')?.judgement, 'worse')
  t.is(compare(of([100, 101, 102]), of([200, 201, 202]), 'sendfileBytes')?.judgement, 'different')
})

test('rounds are compared with the round of the same number', (t) => {
  const subject = rounds([1, 2, 4])
  const baseline: Round[] = [
    { round: 3, figures: { cpu: 8 } },
    { round: 1, figures: { cpu: 2 } },
    { round: 2, figures: { cpu: 4 } }
  ]
  const comparison = compare(subject, baseline, 'cpu')
  t.deepEqual([comparison?.ratio.lowest, comparison?.ratio.highest, comparison?.ratio.count], [0.5, 0.5, 3])
})

test('disturbed rounds do not count when enough others remain', (t) => {
  const disturbed = rounds([1, 9, 1.1, 1.2], [2])
  t.is(summarizeFigure(disturbed, 'cpu')?.highest, 1.2)
  t.is(countedRounds(disturbed).omitted, 1)
  const few = rounds([1, 9, 1.1], [2])
  t.is(summarizeFigure(few, 'cpu')?.highest, 9)
  t.deepEqual([countedRounds(few).omitted, countedRounds(few).tolerated], [0, 1])
  const comparison = compare(disturbed, rounds([2, 2, 2.2, 2.4]), 'cpu')
  t.deepEqual([comparison?.ratio.count, comparison?.omitted, comparison?.ratio.median], [3, 1, 0.5])
  t.deepEqual(
    [0.2, 0.7, 3].map((floor) => isDisturbed({ round: 1, figures: {}, floor })),
    [false, true, true]
  )
})

test('what is not there, or nothing, has no ratio', (t) => {
  t.is(compare(rounds([1, 1, 1]), rounds([0, 0, 0]), 'cpu'), undefined)
  t.is(compare(rounds([1, 1, 1]), rounds([1, 1, 1]), 'p99'), undefined)
})
