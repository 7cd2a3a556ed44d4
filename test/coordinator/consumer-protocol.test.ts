/** Subscriptions come from clients: nothing in them may be believed. */
import test from 'ava'
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { subscribedTopicsOf } from '../../src/coordinator/group/classic/consumer-protocol.js'
import { encode } from '../../src/protocol/compile.js'
import { consumerProtocolSubscription } from '../../src/protocol/records/data/consumer-protocol-subscription.js'
import { Writer } from '../../src/protocol/writer.js'

function subscription(version: number, topics: string[]): Buffer {
  const writer = new Writer()
  writer.int16(version)
  encode(consumerProtocolSubscription, version, writer, { topics, userData: Buffer.from('user data') })
  return writer.toBuffer()
}

test('the topics of all members, in every version', (t) => {
  for (const version of [0, 1, 2, 3]) {
    const topics = subscribedTopicsOf([subscription(version, ['a', 'b']), subscription(version, []), subscription(version, ['b', 'c'])])
    t.deepEqual([...topics!], ['a', 'b', 'c'])
  }
  t.deepEqual([...subscribedTopicsOf([])!], [])
})

test('one that cannot be read makes all unknown', (t) => {
  const good = subscription(0, ['a'])
  t.is(subscribedTopicsOf([good, Buffer.alloc(0)]), undefined)
  t.is(subscribedTopicsOf([Buffer.from([0xff, 0xff, 0, 0, 0, 0])]), undefined)
  t.is(subscribedTopicsOf([Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0])]), undefined)
  t.is(subscribedTopicsOf([Buffer.from([0, 0, 0xff, 0xff, 0xff, 0xff])]), undefined)
  for (let length = 0; length < 9; length++) t.is(subscribedTopicsOf([good.subarray(0, length)]), undefined)
})

test('random bytes', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      subscribedTopicsOf([bytes])
    })
  )
  t.pass()
})
