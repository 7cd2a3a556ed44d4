/** Idempotence and transactions as a log sees them: pure. */
import test from 'ava'
import { MAX_INT32 } from '../../src/record/batch.js'
import { crc32c } from '../../src/record/crc32c.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { decodeSnapshot, encodeSnapshot } from '../../src/storage/producer-snapshot.js'
import { ProducerStates, type ProducerBatch } from '../../src/storage/producer-state.js'

const PRODUCER = 7

function sent(baseSequence: number, count = 1, more: Partial<ProducerBatch> = {}): ProducerBatch {
  const last = baseSequence + count - 1
  return {
    producerId: PRODUCER,
    producerEpoch: 0,
    baseSequence,
    lastSequence: last > MAX_INT32 ? last - MAX_INT32 - 1 : last,
    transactional: false,
    ...more
  }
}

/** Appends when accepted; tells what happened. */
function offer(states: ProducerStates, batch: ProducerBatch, offset: number): string {
  const check = states.check(batch, true)
  if (check.kind === 'duplicate') return `duplicate of ${check.of.lastOffset - check.of.offsetDelta}`
  if (check.kind === 'refused') return `error ${check.errorCode}`
  const count = ((batch.lastSequence - batch.baseSequence + MAX_INT32 + 1) % (MAX_INT32 + 1)) + 1
  states.append(batch, offset, offset + count - 1, 1000 + offset)
  return 'accepted'
}

test('sequences must follow each other', (t) => {
  const states = new ProducerStates()
  t.is(offer(states, sent(5, 3), 0), 'accepted', 'an unknown producer may begin anywhere')
  t.is(offer(states, sent(8, 2), 3), 'accepted')
  t.is(offer(states, sent(11), 5), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`, 'a gap')
  t.is(offer(states, sent(9), 5), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`, 'half of a batch again')
  t.is(offer(states, sent(10), 5), 'accepted')
})

test('a retry of one of the last five batches is a duplicate with its first offset', (t) => {
  const states = new ProducerStates()
  for (let index = 0; index < 7; index++) t.is(offer(states, sent(index * 2, 2), index * 2), 'accepted')
  for (let index = 2; index < 7; index++) t.is(offer(states, sent(index * 2, 2), 99), `duplicate of ${index * 2}`)
  t.is(offer(states, sent(2, 2), 99), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`)
})

test('behind a batch that was refused for a passing reason no later one begins the transaction', (t) => {
  const states = new ProducerStates()
  const inTransaction = (baseSequence: number) => sent(baseSequence, 1, { transactional: true })
  states.awaits(inTransaction(3), false, 0)
  states.awaits(inTransaction(1), false, 0)
  states.awaits(inTransaction(2), false, 0)
  t.is(offer(states, inTransaction(3), 0), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`)
  t.is(offer(states, inTransaction(2), 0), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`)
  t.is(offer(states, inTransaction(1), 0), 'accepted')
  t.is(offer(states, inTransaction(2), 1), 'accepted', 'nothing is awaited any more')
  states.awaits(sent(4, 1, { producerEpoch: 1 }), false, 0)
  states.expire(1000, 1000)
  states.end({ producerId: PRODUCER, producerEpoch: 0, coordinatorEpoch: 0, commit: true }, 2000)
  t.is(offer(states, inTransaction(3), 3), 'accepted', 'what was awaited is long ago')
})

test('a transaction with an epoch of its own begins at 0 in a log that knows nothing of its producer', (t) => {
  const states = new ProducerStates()
  const inTransaction = (baseSequence: number, producerEpoch = 0) => sent(baseSequence, 1, { transactional: true, producerEpoch })
  states.awaits(inTransaction(2), true, 0)
  t.is(offer(states, inTransaction(2), 0), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`)
  states.awaits(inTransaction(0), true, 0)
  t.is(offer(states, inTransaction(0), 0), 'accepted')
  // The marker of one transaction brings the epoch of the next, which may be awaited already.
  states.awaits(inTransaction(1, 1), true, 0)
  states.end({ producerId: PRODUCER, producerEpoch: 1, coordinatorEpoch: 0, commit: true }, 10)
  t.is(offer(states, inTransaction(1, 1), 2), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`)
  states.awaits(inTransaction(0, 1), true, 0)
  t.is(offer(states, inTransaction(0, 1), 2), 'accepted')
})

test('of very many producers that are awaited the oldest are forgotten', (t) => {
  const states = new ProducerStates()
  const first = (producerId: number) => sent(3, 1, { producerId, transactional: true })
  for (let producerId = 0; producerId <= 1000; producerId++) states.awaits(first(producerId), true, 0)
  t.is(states.check(first(0), true).kind, 'accepted')
  t.is(states.check(first(1), true).kind, 'refused')
})

test('sequences wrap to 0 after 2147483647, also inside a batch', (t) => {
  const states = new ProducerStates()
  t.is(offer(states, sent(MAX_INT32 - 1, 3), 0), 'accepted')
  t.is(offer(states, sent(1), 3), 'accepted')
  t.is(offer(states, sent(MAX_INT32 - 1, 3), 9), 'duplicate of 0')
  const other = new ProducerStates()
  t.is(offer(other, sent(MAX_INT32), 0), 'accepted')
  t.is(offer(other, sent(0), 1), 'accepted')
})

test('an older epoch is fenced, a newer one begins at 0 and forgets the old batches', (t) => {
  const states = new ProducerStates()
  t.is(offer(states, sent(0, 5), 0), 'accepted')
  t.is(offer(states, sent(5, 1, { producerEpoch: 1 }), 5), `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`)
  t.is(offer(states, sent(0, 1, { producerEpoch: 1 }), 5), 'accepted')
  t.is(offer(states, sent(5), 6), `error ${ErrorCode.INVALID_PRODUCER_EPOCH}`)
  t.is(offer(states, sent(0, 5), 6), `error ${ErrorCode.INVALID_PRODUCER_EPOCH}`)
})

test('what could not be written is undone, newest first', (t) => {
  const states = new ProducerStates()
  states.append(sent(0, 5), 0, 4, 1)
  const before = states.get(PRODUCER)
  const undos = [
    states.append(sent(5, 5, { transactional: true }), 5, 9, 2),
    states.append(sent(10, 1, { transactional: true }), 10, 10, 3),
    states.append(sent(0, 1, { producerId: 8, transactional: true }), 11, 11, 4)
  ]
  t.is(states.firstUnstableOffset, 5)
  for (const undo of undos.toReversed()) states.undo(undo)
  t.is(states.get(PRODUCER), before)
  t.is(states.get(8), undefined)
  t.is(states.firstUnstableOffset, undefined)
})

test('an open transaction holds back the last stable offset until its end is written', (t) => {
  const states = new ProducerStates()
  states.append(sent(0, 2, { transactional: true }), 10, 11, 1)
  states.append(sent(0, 2, { producerId: 8, transactional: true }), 12, 13, 1)
  t.is(states.firstUnstableOffset, 10)
  t.is(offer(states, sent(2), 14), `error ${ErrorCode.INVALID_TXN_STATE}`)
  const marker = { producerId: PRODUCER, producerEpoch: 0, coordinatorEpoch: 3, commit: true }
  states.end(marker, 2)
  t.is(states.firstUnstableOffset, 10, 'assigned, not written')
  states.ended(PRODUCER, 14)
  t.is(states.firstUnstableOffset, 12)
  t.like(states.checkMarker({ ...marker, coordinatorEpoch: 2 }), { errorCode: ErrorCode.TRANSACTION_COORDINATOR_FENCED })
  t.like(states.checkMarker({ ...marker, producerEpoch: -1 }), { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH })
})

test('silent producers are forgotten, but not in the middle of a transaction', (t) => {
  const states = new ProducerStates()
  states.append(sent(0), 0, 0, 1000)
  states.append(sent(0, 1, { producerId: 8, transactional: true }), 1, 1, 1000)
  states.expire(1000 + 499, 500)
  t.is(states.size, 2)
  states.expire(1000 + 500, 500)
  t.deepEqual(
    [...states.values()].map((entry) => entry.producerId),
    [8]
  )
})

test('a snapshot holds the last batch of each producer and open transactions', (t) => {
  const states = new ProducerStates()
  for (let index = 0; index < 3; index++) states.append(sent(index), index, index, 100 + index)
  states.append(sent(4, 2, { producerId: 8, producerEpoch: 2, transactional: true }), 3, 4, 200)
  states.end({ producerId: 9, producerEpoch: 1, coordinatorEpoch: 6, commit: false }, 300)
  const bytes = encodeSnapshot(states.values())
  t.is(bytes.length, 10 + 3 * 46)
  const again = new ProducerStates()
  again.load(decodeSnapshot(bytes))
  t.deepEqual(encodeSnapshot(again.values()), bytes)
  t.is(again.firstUnstableOffset, 3)
  t.is(again.get(PRODUCER)?.batches.length, 1)
  t.is(offer(again, sent(2), 9), 'duplicate of 2')
  t.is(offer(again, sent(3), 9), 'accepted')
  t.is(offer(again, sent(0, 1, { producerId: 9, producerEpoch: 1 }), 10), 'accepted')
  for (const at of [0, 3, 9, 40, bytes.length - 1]) {
    const broken = Buffer.from(bytes)
    broken[at] = broken[at]! ^ 1
    t.throws(() => decodeSnapshot(broken), { name: 'WireError' })
  }
  t.throws(() => decodeSnapshot(bytes.subarray(0, 30)), { name: 'WireError' })
  for (const count of [-1, 0, 2, 4, MAX_INT32]) {
    const wrong = Buffer.from(bytes)
    wrong.writeInt32BE(count, 6)
    wrong.writeUInt32BE(crc32c(wrong.subarray(6)), 2)
    t.throws(() => decodeSnapshot(wrong), { name: 'WireError' }, `${count} entries`)
  }
})

test('an abort names its transaction and the last stable offset behind it', (t) => {
  const states = new ProducerStates()
  const abort = { producerId: PRODUCER, producerEpoch: 0, coordinatorEpoch: 0, commit: false }
  t.is(states.aborts(abort, 0), undefined, 'no transaction')
  states.append(sent(0, 2, { transactional: true }), 10, 11, 1)
  states.append(sent(0, 2, { producerId: 8, transactional: true }), 12, 13, 1)
  t.is(states.aborts({ ...abort, commit: true }, 14), undefined)
  t.deepEqual(states.aborts(abort, 14), { producerId: PRODUCER, firstOffset: 10, lastOffset: 14, lastStableOffset: 12 })
  states.end(abort, 2)
  const other = { ...abort, producerId: 8 }
  t.deepEqual(
    states.aborts(other, 15),
    { producerId: 8, firstOffset: 12, lastOffset: 15, lastStableOffset: 16 },
    'the first has ended, written or not'
  )
})

test('what has ended is unstable until it is replicated', (t) => {
  const states = new ProducerStates()
  for (const [index, producerId] of [7, 8].entries()) {
    states.append(sent(0, 1, { producerId, transactional: true }), index, index, 1)
    states.end({ producerId, producerEpoch: 0, coordinatorEpoch: 0, commit: true }, 1)
    states.ended(producerId, 2 + index, 1)
  }
  t.is(states.firstUnstableOffset, 0)
  states.replicated(2)
  t.is(states.firstUnstableOffset, 0)
  states.replicated(3)
  t.is(states.firstUnstableOffset, 1)
  states.replicated(4)
  t.is(states.firstUnstableOffset, undefined)
})

test('from transaction version 2 on a marker brings a new epoch', (t) => {
  const states = new ProducerStates()
  states.append(sent(0, 2, { transactional: true }), 10, 11, 1)
  const marker = { producerId: PRODUCER, producerEpoch: 0, coordinatorEpoch: 0, commit: true }
  t.is(states.checkMarker(marker).kind, 'accepted')
  t.like(states.checkMarker(marker, 2), { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH })
  t.is(states.checkMarker({ ...marker, producerEpoch: 1 }, 2).kind, 'accepted')
})
