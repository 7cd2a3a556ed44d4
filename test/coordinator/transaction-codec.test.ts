/** Records of `__transaction_state`: those of a real Kafka are read, and written again byte for byte. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { WireError } from '../../src/errors.js'
import { transactionCodec } from '../../src/coordinator/transaction/transaction-codec.js'
import type { TransactionMetadata } from '../../src/coordinator/transaction/transaction-metadata.js'
import { fixturePath } from '../support/fixtures.js'

interface Golden {
  readonly files: Readonly<
    Record<string, { readonly batches?: readonly { readonly records: readonly { key: string; value: string }[] }[] }>
  >
}

const METADATA: TransactionMetadata = {
  state: 'Ongoing',
  producerId: 7,
  previousProducerId: 6,
  nextProducerId: -1,
  producerEpoch: 3,
  lastProducerEpoch: 2,
  timeoutMs: 60_000,
  partitions: new Map([['t', [0, 2]]]),
  startMs: 5,
  lastUpdateMs: 6,
  clientVersion: 2
}

test('the transactions of a real Kafka come back byte for byte', (t) => {
  const codec = transactionCodec(() => 2)
  const states = new Set<string>()
  let count = 0
  const golden = JSON.parse(gunzipSync(readFileSync(fixturePath('golden-log/clean.json.gz'))).toString()) as Golden
  for (const [name, file] of Object.entries(golden.files)) {
    if (!/^__transaction_state-\d+\/\d+\.log$/.test(name)) continue
    for (const { records } of file.batches!) {
      for (const { key, value } of records) {
        const record = codec.decode(Buffer.from(key, 'hex'), Buffer.from(value, 'hex'))!
        const encoded = codec.encode(record)
        t.is(Buffer.from(encoded.key).toString('hex'), key)
        t.is(Buffer.from(encoded.value!).toString('hex'), value)
        states.add(record.value!.state)
        count++
      }
    }
  }
  t.true(count > 70)
  t.deepEqual([...states].toSorted(), ['CompleteAbort', 'CompleteCommit', 'Empty', 'Ongoing', 'PrepareAbort', 'PrepareCommit'])
})

test('version 0 for clusters before transaction version 1, without what it cannot hold', (t) => {
  const codec = transactionCodec(() => 0)
  const { key, value } = codec.encode({ transactionalId: 'x', value: METADATA })
  t.is(value![1], 0)
  t.deepEqual(codec.decode(key, value), {
    transactionalId: 'x',
    value: { ...METADATA, previousProducerId: -1, lastProducerEpoch: -1, clientVersion: 0 }
  })
})

test('tombstones, unknown types, states and versions', (t) => {
  const codec = transactionCodec(() => 2)
  const { key, value } = codec.encode({ transactionalId: 'x', value: METADATA })
  t.deepEqual(codec.decode(key, null), { transactionalId: 'x', value: null })
  t.is(codec.encode({ transactionalId: 'x', value: null }).value, null)
  t.is(codec.decode(Buffer.from([0, 9, 0]), value), undefined)
  const wrongState = Buffer.from(value!)
  // Version, producer id, epoch and time-out come before it.
  wrongState[16] = 9
  t.throws(() => codec.decode(key, wrongState), { instanceOf: WireError, message: /unknown state/ })
  const future = Buffer.from(value!)
  future[1] = 2
  t.throws(() => codec.decode(key, future), { instanceOf: WireError })
})
