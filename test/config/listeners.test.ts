import { hostname } from 'node:os'
import test from 'ava'
import { loadBrokerConfig } from '../../src/config/load.js'
import { formatHostPort, type ListenerPlan } from '../../src/config/listeners.js'
import { ConfigError } from '../../src/errors.js'

function plan(settings: Record<string, string>): ListenerPlan {
  return loadBrokerConfig(settings).listeners
}

test('one listener is told to clients as it is bound', (t) => {
  const { listeners, interBroker } = plan({ listeners: 'PLAINTEXT://127.0.0.1:9092' })
  t.deepEqual(listeners, [
    { name: 'PLAINTEXT', host: '127.0.0.1', port: 9092, advertisedHost: '127.0.0.1', advertisedPort: 9092, advertised: true }
  ])
  t.is(interBroker, 'PLAINTEXT')
})

test('several listeners, IPv6, port 0, names in any case', (t) => {
  const { listeners, interBroker } = plan({
    listeners: 'plaintext://127.0.0.1:0, internal://[::1]:0',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:plaintext',
    'advertised.listeners': 'INTERNAL://broker.example:19092',
    'inter.broker.listener.name': 'INTERNAL'
  })
  t.deepEqual(listeners, [
    { name: 'PLAINTEXT', host: '127.0.0.1', port: 0, advertisedHost: '127.0.0.1', advertisedPort: 0, advertised: false },
    { name: 'INTERNAL', host: '::1', port: 0, advertisedHost: 'broker.example', advertisedPort: 19092, advertised: true }
  ])
  t.is(interBroker, 'INTERNAL')
})

test('a listener on every address tells the host name', (t) => {
  for (const host of ['', '0.0.0.0', '[::]']) {
    t.is(plan({ listeners: `PLAINTEXT://${host}:9092` }).listeners[0]?.advertisedHost, hostname(), host)
  }
})

test('one port for an IPv4 and an IPv6 address', (t) => {
  const map = 'A:PLAINTEXT,B:PLAINTEXT'
  t.is(plan({ listeners: 'A://127.0.0.1:9092,B://[::1]:9092', 'listener.security.protocol.map': map }).listeners.length, 2)
})

test('what is refused, and how', (t) => {
  const map = 'A:PLAINTEXT,B:PLAINTEXT'
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ listeners: 'PLAINTEXT://127.0.0.1' }, /NAME:\/\/host:port/],
    [{ listeners: 'PLAINTEXT://127.0.0.1:65536' }, /0 to 65535/],
    [{ listeners: '' }, /no listener for clients/],
    [{ listeners: 'SSL://127.0.0.1:9093' }, /SSL wants SSL, which is not implemented yet/],
    [{ listeners: 'OTHER://127.0.0.1:9092' }, /add OTHER:PLAINTEXT to listener\.security\.protocol\.map/],
    [{ listeners: 'A://h:1,A://h:2', 'listener.security.protocol.map': map }, /the name A stands twice/],
    [{ listeners: 'A://127.0.0.1:7,B://0.0.0.0:7', 'listener.security.protocol.map': map }, /the port 7 stands twice/],
    [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, /can not connect to every address/],
    [{ 'advertised.listeners': 'OTHER://h:9092' }, /OTHER is none of listeners/],
    [{ 'inter.broker.listener.name': 'OTHER' }, /must be one of listeners/],
    [{ 'listener.security.protocol.map': 'A' }, /NAME:PROTOCOL/]
  ]
  for (const [settings, message] of cases) t.throws(() => plan(settings), { instanceOf: ConfigError, message }, String(message))
})

test('addresses as text', (t) => {
  t.is(formatHostPort('127.0.0.1', 9092), '127.0.0.1:9092')
  t.is(formatHostPort('::1', 9092), '[::1]:9092')
})
