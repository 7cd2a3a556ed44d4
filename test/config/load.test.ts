/** What a broker is started with: accepted, warned of, refused. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { loadBrokerConfig } from '../../src/config/load.js'
import { parseProperties } from '../../src/config/properties.js'
import { ConfigError } from '../../src/errors.js'

test('the server.properties of a single Apache Kafka node in KRaft mode is accepted', (t) => {
  const file = new URL('../../../test/fixtures/config/kraft-server.properties', import.meta.url)
  const { config, listeners, warnings, notes } = loadBrokerConfig(parseProperties(readFileSync(file, 'utf8')))
  t.is(config.get('node.id'), 1)
  t.deepEqual(config.get('log.dirs'), ['/tmp/kraft-combined-logs'])
  t.is(config.get('offsets.topic.replication.factor'), 1)
  t.is(config.get('log.retention.hours'), 168)
  t.deepEqual(listeners.listeners, [
    { name: 'PLAINTEXT', host: '', port: 9092, advertisedHost: 'localhost', advertisedPort: 9092, advertised: true }
  ])
  t.deepEqual(warnings, [])
  t.deepEqual(notes, [
    'Settings without effect here: num.io.threads',
    'The controller runs inside this process: its listener is not opened'
  ])
})

test('unknown names get one warning, with what may be meant', (t) => {
  const given = { 'my.plugin.path': '/x', 'other.thing': '1', 'sluice.tranfer.mode': 'auto', 'log.retension.ms': '1' }
  t.deepEqual(loadBrokerConfig(given).warnings, [
    'Unknown settings are left out: my.plugin.path, other.thing, sluice.tranfer.mode (did you mean sluice.transfer.mode?), ' +
      'log.retension.ms (did you mean log.retention.ms?)'
  ])
})

test('node.id and broker.id are one', (t) => {
  t.is(loadBrokerConfig({ 'broker.id': '7' }).config.get('node.id'), 7)
  t.is(loadBrokerConfig({ 'node.id': '7' }).config.get('broker.id'), 7)
})

test('what is refused names the setting, its value and what is allowed', (t) => {
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ 'num.network.threads': '0' }, /"0" for num\.network\.threads: it must be a whole number, at least 1/],
    [{ 'sluice.transfer.mode': 'fast' }, /"fast" for sluice\.transfer\.mode: it must be one of auto, sendfile, splice, mmap, readwrite/],
    [{ 'ssl.keystore.location': '/keys' }, /ssl\.keystore\.location=\/keys: TLS.*not implemented yet; leave it unset/],
    [{ 'ssl.keystore.password': 'secret' }, /ssl\.keystore\.password=\[hidden\]/],
    [{ 'sasl.enabled.mechanisms': 'PLAIN' }, /only "GSSAPI" is allowed/],
    [{ 'authorizer.class.name': 'org.example.Authorizer' }, /authorizer\.class\.name=org\.example\.Authorizer/],
    [{ 'listener.name.internal.ssl.keystore.location': '/keys' }, /listener\.name\.internal\.ssl\.keystore\.location: TLS/],
    [{ 'listener.name.internal.scram-sha-256.sasl.jaas.config': 'x' }, /not implemented yet/],
    [{ 'create.topic.policy.class.name': 'org.example.Policy' }, /plug-ins written in Java/],
    [{ 'remote.log.storage.system.enable': 'true' }, /tiered storage is not implemented yet/],
    [{ 'zookeeper.connect': 'localhost:2181' }, /ZooKeeper is not implemented yet/],
    [{ 'process.roles': 'controller' }, /only a controller is not offered/],
    [{ 'process.roles': 'broker', 'controller.quorum.bootstrap.servers': 'c:9093' }, /joining a controller elsewhere/],
    [{ 'controller.quorum.voters': '1@a:9093,2@b:9093' }, /several controllers is not implemented yet/],
    [{ 'controller.quorum.voters': '2@a:9093' }, /only this node is allowed, 1@host:port/],
    [{ 'node.id': '1', 'broker.id': '2' }, /must be the same/],
    [{ 'group.min.session.timeout.ms': '10', 'group.max.session.timeout.ms': '5' }, /must not be above/],
    [{ 'log.retention.hours': '0' }, /must not be 0/],
    [{ 'log.dirs': '' }, /At least one log directory must be defined/],
    [{ 'max.connections.per.ip': '0' }, /only if max\.connections\.per\.ip\.overrides/],
    [{ 'max.connections.per.ip.overrides': '10.0.0.1' }, /must be address:count/]
  ]
  for (const [settings, message] of cases) t.throws(() => loadBrokerConfig(settings), { instanceOf: ConfigError, message }, String(message))
})

test('a security setting at its default is no matter', (t) => {
  t.notThrows(() =>
    loadBrokerConfig({ 'ssl.client.auth': 'none', 'security.inter.broker.protocol': 'PLAINTEXT', 'authorizer.class.name': '' })
  )
})
