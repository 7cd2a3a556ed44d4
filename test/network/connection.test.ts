import test from 'ava'
import type { Frame } from '../../src/native/runtime.js'
import { Connection } from '../../src/network/connection.js'

const frame = (id: number): Frame => ({ id, buffer: Buffer.alloc(0), start: 0, end: 0 })

test('pipelined requests run together and are answered in the order of their arrival', (t) => {
  const connection = new Connection(1, 'PLAINTEXT', '127.0.0.1')
  const sent: string[] = []
  const first = connection.begin(true)
  t.true(connection.mayRun(true))
  const second = connection.begin(true)
  second(() => sent.push('second'))
  t.deepEqual(sent, [])
  first(() => sent.push('first'))
  t.deepEqual(sent, ['first', 'second'])
})

test('any other request runs alone: what arrives meanwhile waits, in order', (t) => {
  const connection = new Connection(1, 'PLAINTEXT', '127.0.0.1')
  const produce = connection.begin(true)
  t.false(connection.mayRun(false), 'a fetch waits for the produce before it')
  produce(undefined)
  t.true(connection.mayRun(false))
  const fetch = connection.begin(false)
  t.true(connection.mustWait)
  t.false(connection.mayRun(true))
  connection.park(frame(1))
  connection.park(frame(2))
  t.is(connection.nextParked(), undefined)
  fetch(undefined)
  t.true(connection.mustWait, 'a frame that arrives now is behind the parked ones')
  const next = connection.nextParked()!
  t.is(next.id, 1)
  connection.unpark(next)
  t.is(connection.nextParked()!.id, 1)
  t.is(connection.nextParked()!.id, 2)
  t.false(connection.mustWait)
})

test('a connection that goes gives back its undecoded frames', (t) => {
  const connection = new Connection(1, 'PLAINTEXT', '127.0.0.1')
  connection.begin(false)
  connection.park(frame(1))
  t.deepEqual(
    connection.drop().map(({ id }) => id),
    [1]
  )
  t.true(connection.closed)
})
