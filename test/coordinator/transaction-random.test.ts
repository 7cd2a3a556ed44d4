/** Random producers, kills and standstills: what readers of committed records rely on holds. TRANSACTION_ROUNDS and SEED for a longer search. */
import test from 'ava'
import fc from 'fast-check'
import { CLIENT_COUNT, PARTITION_COUNT, TransactionSimulation, type Step } from './support/transaction-simulation.js'

const client = fc.nat({ max: CLIENT_COUNT - 1 })
const partition = fc.nat({ max: PARTITION_COUNT - 1 })

const act = (what: 'init' | 'write' | 'commit' | 'abort' | 'late', weight: number) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(what), client, partition })
})

const step: fc.Arbitrary<Step> = fc.oneof(
  act('init', 5),
  act('write', 16),
  act('commit', 8),
  act('abort', 2),
  act('late', 4),
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), kept: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down' as const), partition }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('up' as const), partition }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 20, 100, 1000, 11_000) }) }
)

test('transactions are decided in all partitions alike, as the producer was told, and none stays open', async (t) => {
  const sum = { begun: 0, committed: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      const simulation = new TransactionSimulation()
      for (const one of steps) await simulation.run(one)
      await simulation.settle()
      simulation.check()
      sum.begun += simulation.counts.begun
      sum.committed += simulation.counts.committed
    }),
    { numRuns: Number(process.env['TRANSACTION_ROUNDS'] ?? 400), seed: Number(process.env['SEED'] ?? 20261121) }
  )
  t.log(`${sum.begun} transactions, ${sum.committed} committed`)
  t.true(sum.committed > 100)
})
