import test from 'ava'
import { FetchSessions, type FetchTarget, type SessionRequest } from '../../src/broker/fetch-session.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'

function target(partition: number, fetchOffset = 0): FetchTarget {
  return {
    topic: 't',
    topicId: '',
    partition,
    fetchOffset,
    maxBytes: 1024,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    highWatermark: -1,
    logStartOffset: -1
  }
}

function request(sessionId: number, sessionEpoch: number, targets: FetchTarget[] = [], forgotten: string[] = []): SessionRequest {
  return { sessionId, sessionEpoch, usesTopicIds: false, targets, forgotten }
}

function sessions(slots = 2, evictionMs = 1000): FetchSessions {
  let id = 100
  return new FetchSessions({ slots, evictionMs, randomId: () => ++id })
}

const partitions = (targets: Iterable<FetchTarget>): number[] => [...targets].map((t) => t.partition)

test('a fetch without a session is served as it is', (t) => {
  const context = sessions().open(request(0, -1, [target(3)]), 0)
  t.is(context.errorCode, ErrorCode.NONE)
  t.is(context.sessionId, 0)
  t.deepEqual(partitions(context.targets), [3])
})

test('a session remembers its partitions, and takes changes', (t) => {
  const all = sessions()
  const first = all.open(request(0, 0, [target(0), target(1)]), 0)
  t.false(first.incremental)
  const again = all.open(request(first.sessionId, 1), 1)
  t.true(again.incremental)
  t.deepEqual(partitions(again.targets), [0, 1])
  const moved = all.open(request(first.sessionId, 2, [target(1, 50), target(2)], ['t/0']), 2)
  t.deepEqual(
    [...moved.targets].map(({ partition, fetchOffset }) => [partition, fetchOffset]),
    [
      [1, 50],
      [2, 0]
    ]
  )
})

test('a wrong epoch, an unknown session and a session of the other kind are refused', (t) => {
  const all = sessions()
  const { sessionId } = all.open(request(0, 0, [target(0)]), 0)
  t.is(all.open(request(sessionId, 5), 0).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  t.is(all.open(request(sessionId + 1, 1), 0).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  t.is(all.open({ ...request(sessionId, 1), usesTopicIds: true }, 0).errorCode, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  t.is(all.open(request(sessionId, 1), 0).errorCode, ErrorCode.NONE)
})

test('epoch -1 closes a session, epoch 0 replaces it', (t) => {
  const all = sessions()
  const { sessionId } = all.open(request(0, 0, [target(0)]), 0)
  const replaced = all.open(request(sessionId, 0, [target(1)]), 0)
  t.not(replaced.sessionId, sessionId)
  t.is(all.size, 1)
  t.is(all.open(request(replaced.sessionId, -1, [target(1)]), 0).sessionId, 0)
  t.is(all.size, 0)
})

test('a session that has no partition left ends', (t) => {
  const all = sessions()
  const { sessionId } = all.open(request(0, 0, [target(0)]), 0)
  t.is(all.open(request(sessionId, 1, [], ['t/0']), 0).sessionId, 0)
  t.is(all.size, 0)
})

test('full slots: a stale session goes first, a young one stays, a smaller old one gives way to a larger', (t) => {
  const all = sessions(1, 1000)
  const small = all.open(request(0, 0, [target(0)]), 0)
  t.is(all.open(request(0, 0, [target(0), target(1)]), 500).sessionId, 0, 'too young to be evicted')
  all.open(request(small.sessionId, 1), 900)
  const large = all.open(request(0, 0, [target(0), target(1)]), 1500)
  t.not(large.sessionId, 0, 'larger, and the other is old enough')
  t.is(all.open(request(0, 0, [target(0)]), 2000).sessionId, 0)
  t.not(all.open(request(0, 0, [target(0)]), 4000).sessionId, 0, 'the other was not used for long')
})
