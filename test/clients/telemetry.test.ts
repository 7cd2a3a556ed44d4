/** Clients push their metrics (KIP-714), as Kafka's Java clients and librdkafka do by themselves when a subscription asks for it. */
import test from 'ava'
import { Broker } from '../../src/index.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { foreignBroker } from '../support/broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { RawClient } from '../support/raw-client.js'

const toolTest = haveTools && !foreignBroker ? test.serial : test.serial.skip
/** Of some seconds: on a slow machine a shorter life may end before the client has asked what to push. */
const RECORDS = 8000

toolTest('a Java producer pushes what a subscription asks for, compressed, and the last of it when it ends', async (t) => {
  const broker = await Broker.start({ topics: { a: 1 } })
  t.teardown(() => broker.stop())
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  const settings = { 'interval.ms': '200', metrics: 'org.apache.kafka.producer.', match: 'client_software_name=apache-kafka-java' }
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: 0, value }))
  const resources = [{ resourceType: 16, resourceName: 'producers', configs }]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  t.is(responses[0]?.errorCode, 0)
  const { code, stderr } = await runTool('producer-perf-test', [
    '--topic',
    'a',
    '--num-records',
    String(RECORDS),
    '--record-size',
    '100',
    '--throughput',
    '2000',
    '--bootstrap-server',
    broker.bootstrap,
    '--command-property',
    'client.id=perf'
  ])
  t.is(code, 0, stderr)
  t.notRegex(stderr, /telemetry/i)
  const [seen, ...others] = broker.clientMetrics()
  t.deepEqual(others, [])
  t.deepEqual([seen?.clientId, seen?.softwareName, seen?.address], ['perf', 'apache-kafka-java', '127.0.0.1'])
  t.true((seen?.pushes ?? 0) >= 1)
  const sent = seen?.metrics.find(({ name }) => name === 'org.apache.kafka.producer.record.send.total')
  // What was sent since the push before the last one comes with the last one, if the producer has the time for it.
  t.true(sent !== undefined && sent.value > 0 && sent.value <= RECORDS, JSON.stringify(seen?.metrics))
  t.true(seen?.metrics.every(({ name }) => name.startsWith('org.apache.kafka.producer.')))
})
