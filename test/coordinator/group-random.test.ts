/** Random clients against one group: what must hold, holds after every step. */
import test from 'ava'
import fc from 'fast-check'
import { GroupSimulation, type Step } from './support/group-simulation.js'

const client = fc.nat({ max: 4 })
const protocols = fc.constantFrom(['range'], ['range', 'sticky'], ['sticky', 'range'], ['sticky'])
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('join' as const), client, protocols, fresh: rarely, version: fc.constantFrom(3, 9) })
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('sync' as const, 'heartbeat' as const), client, stale: rarely }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'commit' as const), client, stale: rarely }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(0, 100, 600, 5000, 11_000, 30_000) }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'cycle' }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('reload' as const, 'fetch' as const, 'delete' as const, 'delete-topic' as const) })
  }
)

test('random events: one leader, rising generations, answers of the current generation, replay gives the live state', (t) => {
  let looked = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const simulation = new GroupSimulation()
      for (const one of steps) {
        simulation.run(one)
        simulation.check()
      }
      simulation.settle()
      looked += simulation.standing.looked
      simulation.check()
    }),
    { numRuns: 300, seed: Number(process.env['SEED'] ?? 20260731) }
  )
  t.true(looked > 0, 'answers stood')
})
