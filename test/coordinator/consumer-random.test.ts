/** Random members of both protocols in one consumer group: what must hold, holds after every step. */
import test from 'ava'
import fc from 'fast-check'
import { ConsumerSimulation, type Step } from './support/consumer-simulation.js'

const client = fc.nat({ max: 5 })
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ do: fc.constant('beat' as const), client, lost: rarely, full: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      client,
      topics: fc.constantFrom(['t'], ['t', 'u'], ['u', 'v'], []),
      regex: fc.constantFrom('', '', 't|v', '.*')
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), client }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const), client, stale: fc.constantFrom(0, 0, 1, 2, -1) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(100, 1100, 5000, 11_000, 21_000, 46_000) })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('topic' as const), name: fc.constantFrom('t', 'u', 'v'), partitions: fc.nat({ max: 5 }) })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reload' as const, 'delete' as const) }) }
)

test('random members: one owner a partition, rising epochs, no lost commit, replay gives the live state, and all settles', (t) => {
  let looked = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
      const simulation = new ConsumerSimulation()
      for (const one of steps) {
        simulation.run(one)
        simulation.check()
      }
      simulation.settle()
      looked += simulation.standing.looked
    }),
    { numRuns: Number(process.env['ROUNDS'] ?? 100), seed: Number(process.env['SEED'] ?? 848) }
  )
  t.true(looked > 0, 'answers stood')
})
