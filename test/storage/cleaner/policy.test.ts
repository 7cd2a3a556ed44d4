/** What is compacted, and when, as plain decisions. */
import test from 'ava'
import fc from 'fast-check'
import {
  cleanRange,
  compactionDelayMs,
  dirtyRatio,
  dirtySegments,
  dirtyStart,
  groupSegments,
  isDue,
  type LogFacts
} from '../../../src/storage/cleaner/policy.js'

const log: LogFacts = {
  segments: [
    { baseOffset: 0, size: 100 },
    { baseOffset: 10, size: 200 },
    { baseOffset: 20, size: 300 },
    { baseOffset: 30, size: 50 }
  ],
  logStartOffset: 0,
  endOffset: 35,
  lastStableOffset: 35
}

test('the checkpoint tells where the dirty part begins, unless the log tells otherwise', (t) => {
  t.deepEqual(dirtyStart(log, undefined), { offset: 0, reset: undefined })
  t.deepEqual(dirtyStart(log, 20), { offset: 20, reset: undefined })
  t.deepEqual(dirtyStart({ ...log, logStartOffset: 12 }, 5), { offset: 12, reset: 'before-start' })
  t.deepEqual(dirtyStart(log, 36), { offset: 0, reset: 'beyond-end' })
})

test('the active segment, open transactions and young records are left alone', (t) => {
  t.is(cleanRange(log, 0, undefined).firstUncleanableOffset, 30)
  t.is(cleanRange({ ...log, lastStableOffset: 25 }, 0, undefined).firstUncleanableOffset, 20)
  t.is(cleanRange(log, 0, 10).firstUncleanableOffset, 10)
  t.deepEqual(cleanRange(log, 10, undefined), { firstDirtyOffset: 10, firstUncleanableOffset: 30, cleanBytes: 100, cleanableBytes: 500 })
  t.deepEqual(cleanRange(log, 30, undefined), { firstDirtyOffset: 30, firstUncleanableOffset: 30, cleanBytes: 600, cleanableBytes: 0 })
  t.is(cleanRange({ ...log, lastStableOffset: 5 }, 20, undefined).cleanableBytes, 0)
})

test('a log is due by its dirty ratio, or when it has waited too long', (t) => {
  const range = cleanRange(log, 20, undefined)
  t.is(dirtyRatio(range), 0.5)
  t.false(isDue(range, 0.5, 0))
  t.true(isDue(range, 0.49, 0))
  t.true(isDue(range, 0.9, 1))
  t.false(isDue(cleanRange(log, 30, undefined), 0, 1), 'there is nothing to do')
  t.deepEqual(
    dirtySegments(log.segments, 15).map(({ baseOffset }) => baseOffset),
    [10, 20]
  )
  t.is(compactionDelayMs([900, -1, 500], 300, 1000), 200)
  t.is(compactionDelayMs([900], 300, 1000), 0)
  t.is(compactionDelayMs([-1], 0, 1000), 0)
})

test('groups hold neighbours that fit by size, index and offset', (t) => {
  const segment = fc.record({
    gap: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(2 ** 30)),
    size: fc.integer({ min: 0, max: 60 }),
    indexBytes: fc.integer({ min: 0, max: 40 }),
    timeIndexBytes: fc.integer({ min: 0, max: 40 })
  })
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 12 }), (drawn) => {
      let baseOffset = 0
      const segments = drawn.map(({ gap, ...rest }) => ({ ...rest, baseOffset: (baseOffset += gap) }))
      const firstUncleanableOffset = baseOffset + 10
      const groups = groupSegments(segments, { segmentBytes: 100, indexBytes: 50, firstUncleanableOffset })
      t.deepEqual(groups.flat(), segments)
      for (const [index, group] of groups.entries()) {
        const next = groups[index + 1]?.[0]
        const last = (next?.baseOffset ?? firstUncleanableOffset) - 1
        const sum = (of: typeof group, field: 'size' | 'indexBytes' | 'timeIndexBytes') => of.reduce((total, one) => total + one[field], 0)
        if (group.length > 1) {
          t.true(sum(group, 'size') <= 100 && sum(group, 'indexBytes') <= 50 && sum(group, 'timeIndexBytes') <= 50)
          t.true(last - group[0]!.baseOffset <= 0x7fffffff || group.at(-1)!.size === 0)
        }
      }
    }),
    { seed: 1 }
  )
})
