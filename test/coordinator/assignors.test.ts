/** Server-side assignors: balance, stickiness, co-partitioning; on random groups, too. */
import test from 'ava'
import fc from 'fast-check'
import { range } from '../../src/coordinator/group/consumer/assignors/range.js'
import { uniform } from '../../src/coordinator/group/consumer/assignors/uniform.js'
import type { AssignedMember, Assignment } from '../../src/coordinator/group/consumer/assignors/assignor.js'
import type { Partitions } from '../../src/coordinator/group/consumer/member.js'

function member(
  memberId: string,
  topics: readonly string[],
  current: Partitions = new Map(),
  instanceId: string | null = null
): AssignedMember {
  return { memberId, instanceId, topics: new Set(topics), current }
}

function sizeOf(partitions: Partitions | undefined): number {
  let size = 0
  for (const set of partitions?.values() ?? []) size += set.size
  return size
}

function shown(assignment: Assignment): Record<string, Record<string, number[]>> {
  return Object.fromEntries(
    [...assignment].map(([id, partitions]) => [id, Object.fromEntries([...partitions].map(([topic, set]) => [topic, [...set]]))])
  )
}

test('uniform: four partitions for two, four, three and five members', (t) => {
  const partitions = new Map([['t', 4]])
  let current: Assignment = new Map()
  for (const [count, sizes] of [
    [2, [2, 2]],
    [4, [1, 1, 1, 1]],
    [3, [2, 1, 1]],
    [5, [1, 1, 1, 1, 0]]
  ] as const) {
    const members = Array.from({ length: count }, (_, at) => member(`m${at}`, ['t'], current.get(`m${at}`)))
    current = uniform({ members, partitions })
    t.deepEqual(
      [...current.values()].map(sizeOf).toSorted((a, b) => b - a),
      sizes as unknown as number[]
    )
  }
})

test('range: contiguous, co-partitioned, static members first and in their order', (t) => {
  const members = [member('c', ['t', 'u']), member('z', ['t', 'u'], new Map(), 'i2'), member('y', ['t', 'u'], new Map(), 'i1')]
  const assignment = range({
    members,
    partitions: new Map([
      ['t', 4],
      ['u', 4]
    ])
  })
  t.deepEqual(shown(assignment), { c: { t: [3], u: [3] }, z: { t: [2], u: [2] }, y: { t: [0, 1], u: [0, 1] } })
  const few = range({ members: [member('a', ['t']), member('b', ['t'])], partitions: new Map([['t', 1]]) })
  t.deepEqual(shown(few), { a: { t: [0] }, b: {} })
})

const group = fc.record({
  topics: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  members: fc.array(fc.array(fc.nat({ max: 4 }), { maxLength: 5 }), { minLength: 1, maxLength: 8 }),
  homogeneous: fc.boolean(),
  leaver: fc.nat({ max: 7 })
})

test('any group: every partition of a subscribed topic has one owner who subscribes to it; uniform is balanced and moves little', (t) => {
  fc.assert(
    fc.property(group, ({ topics, members, homogeneous, leaver }) => {
      const subscriptions = members.map((picks) =>
        [...new Set((homogeneous ? members[0]! : picks).filter((at) => at < topics.length))].map((at) => `t${at}`)
      )
      const partitions = new Map<string, number>()
      for (const [at, count] of topics.entries())
        if (subscriptions.some((names) => names.includes(`t${at}`))) partitions.set(`t${at}`, count)
      for (const assignor of [uniform, range]) {
        const before = assignor({ members: subscriptions.map((names, at) => member(`m${at}`, names)), partitions })
        check(before, subscriptions, partitions, assignor === uniform)
        const again = subscriptions.map((names, at) => member(`m${at}`, names, before.get(`m${at}`)))
        t.deepEqual(sorted(shown(assignor({ members: again, partitions }))), sorted(shown(before)))
        // Without one member: the others keep what they had, unless that would not be even.
        const rest = again.filter((_, at) => at !== leaver)
        if (rest.length === 0) continue
        const left = new Map([...partitions].filter(([topic]) => rest.some(({ topics: names }) => names.has(topic))))
        const after = assignor({ members: rest, partitions: left })
        check(after, subscriptions, left, assignor === uniform)
        if (assignor !== uniform || !homogeneous) continue
        for (const { memberId, current } of rest) {
          for (const [topic, set] of current) for (const partition of set) t.true(after.get(memberId)!.get(topic)?.has(partition))
        }
      }
    }),
    { numRuns: Number(process.env['ROUNDS'] ?? 300), seed: Number(process.env['SEED'] ?? 848) }
  )
})

function sorted(assignment: Record<string, Record<string, number[]>>) {
  for (const topics of Object.values(assignment)) for (const set of Object.values(topics)) set.sort((a, b) => a - b)
  return assignment
}

function check(
  assignment: Assignment,
  subscriptions: readonly string[][],
  partitions: ReadonlyMap<string, number>,
  balanced: boolean
): void {
  const owners = new Map<string, string>()
  for (const [id, topics] of assignment) {
    for (const [topic, set] of topics) {
      if (!subscriptions[Number(id.slice(1))]!.includes(topic)) throw new Error(`${id} does not subscribe to ${topic}`)
      for (const partition of set) {
        if (partition >= partitions.get(topic)! || owners.has(`${topic}-${partition}`))
          throw new Error(`${topic}-${partition} twice, or not there`)
        owners.set(`${topic}-${partition}`, id)
      }
    }
  }
  const total = [...partitions.values()].reduce((sum, count) => sum + count, 0)
  if (owners.size !== total) throw new Error(`${owners.size} of ${total} partitions have an owner`)
  if (!balanced) return
  // No partition can move to a subscriber that has two fewer.
  for (const [place, id] of owners) {
    const topic = place.slice(0, place.lastIndexOf('-'))
    for (const [other, held] of assignment) {
      const fewer = sizeOf(assignment.get(id)) - sizeOf(held) >= 2
      if (fewer && subscriptions[Number(other.slice(1))]!.includes(topic)) throw new Error(`${place} should be ${other}'s`)
    }
  }
}

test('uniform: 1,000 members and 10,000 partitions, alike and not', (t) => {
  const partitions = new Map(Array.from({ length: 100 }, (_, at) => [`t${at}`, 100] as const))
  const all = [...partitions.keys()]
  const shared = new Set(all)
  const alike = Array.from({ length: 1000 }, (_, at): AssignedMember => ({
    memberId: `m${at}`,
    instanceId: null,
    topics: shared,
    current: new Map()
  }))
  const first = uniform({ members: alike, partitions })
  t.true([...first.values()].every((held) => sizeOf(held) === 10))
  const mixed = alike.map((each, at) => ({ ...each, topics: new Set(all.slice(at % 50)) }))
  const sizes = [...uniform({ members: mixed, partitions }).values()].map(sizeOf)
  t.true(Math.max(...sizes) - Math.min(...sizes) <= 1)
})
