/** Random changes between the classic protocol and that of KIP-848, up and down: what must hold, holds after every step. */
import test from 'ava'
import fc from 'fast-check'
import { MigrationSimulation, type MigrationStep } from './support/migration-simulation.js'

const client = fc.nat({ max: 4 })
const of = (what: 'beat' | 'leave' | 'switch' | 'commit') => fc.record({ do: fc.constant(what), client })
const step: fc.Arbitrary<MigrationStep> = fc.oneof(
  { weight: 20, arbitrary: of('beat') },
  { weight: 2, arbitrary: of('leave') },
  { weight: 2, arbitrary: of('switch') },
  { weight: 2, arbitrary: of('commit') },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(100, 1100, 5000, 11_000, 21_000, 46_000) })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const) }) }
)

test('groups go up and down between the protocols: one owner a partition, no lost commit, and all settles', (t) => {
  let [upgrades, downgrades, looked] = [0, 0, 0]
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const simulation = new MigrationSimulation()
      for (const [at, one] of steps.entries()) {
        simulation.run(one)
        simulation.check()
        if (at % 10 === 0) simulation.checkStored()
      }
      simulation.settle()
      simulation.checkStored()
      upgrades += simulation.upgrades
      downgrades += simulation.downgrades
      looked += simulation.standing.looked
    }),
    { numRuns: Number(process.env['ROUNDS'] ?? 100), seed: Number(process.env['SEED'] ?? 848) }
  )
  t.log(`${upgrades} upgrades, ${downgrades} downgrades`)
  t.true(upgrades > 20 && downgrades > 20)
  t.true(looked > 0, 'answers stood')
})
