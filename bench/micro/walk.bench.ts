/**
 * Walking the records of a batch, as each produced batch is checked: natively, in TypeScript without an object per record, and by decoding
 * each record into one, which is what a program does that has only a client library. All of them find the smallest and largest timestamp.
 */
import { walkRecords as walkNatively } from '../../src/native/functions.js'
import { At, BATCH_OVERHEAD } from '../../src/record/batch.js'
import { buildBatch, describeBatch, recordsOf, WALK_FIELDS, walkRecords, WalkField, type WalkRecords } from '../../src/record/index.js'
import { plainSuite, pseudoRandom, randomBytes, type Comparison, type Subject } from './suite.js'

const BATCHES = [
  [1, 1000],
  [16, 1000],
  [64, 1000],
  [655, 90]
] as const
const BASE_MS = 1_700_000_000_000

function comparison(count: number, valueBytes: number): Comparison {
  const random = pseudoRandom()
  const value = randomBytes(valueBytes)
  const records = Array.from({ length: count }, () => ({ value, timestamp: BASE_MS + random(1000) }))
  const batch = buildBatch(records)
  const into = new Float64Array(WALK_FIELDS)
  const base = Number(batch.readBigInt64BE(At.baseTimestamp))
  const walks = (name: string, walk: WalkRecords): Subject => ({
    name,
    run: () => {
      if (walk(batch, BATCH_OVERHEAD, batch.length, count, into) !== 0) throw new Error(`${name} refuses the batch`)
      return base + into[WalkField.minTimestampDelta]! + (base + into[WalkField.maxTimestampDelta]!)
    }
  })
  const header = describeBatch(batch, 0)
  const decodes = (): number => {
    let least = Infinity
    let most = -Infinity
    for (const { timestamp } of recordsOf(batch, header)) {
      if (timestamp < least) least = timestamp
      if (timestamp > most) most = timestamp
    }
    return least + most
  }
  return {
    group: 'record walk',
    name: `${count} records of ${valueBytes} B`,
    parameters: { records: count, bytes: batch.length },
    subjects: [walks('Sluice', walkNatively), walks('TypeScript', walkRecords), { name: 'an object per record', run: decodes }]
  }
}

export default plainSuite('walk', () => BATCHES.map(([count, bytes]) => comparison(count, bytes)))
