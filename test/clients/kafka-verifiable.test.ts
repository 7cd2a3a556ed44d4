/** Apache Kafka's verifiable producer and consumer, while their broker is killed. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { haveTools, startTool, type ToolName } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { tempDir } from '../support/temp-dir.js'
import { Session } from '../takeover/session.js'

const toolTest = haveTools && !foreignBroker ? test.serial : test.serial.skip
const RECORDS = 2000
const PARTITIONS = 3
const PATIENCE_MS = 60_000

/** What both say, a line each. */
interface Event {
  readonly name: string
  readonly value?: string
  readonly partition?: number
  readonly offset?: number
}

async function start(t: ExecutionContext, name: ToolName, args: readonly string[], onEvent: (event: Event) => void) {
  // That the broker is away they are to see.
  const child = await startTool(name, args, { warnings: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  createInterface(child.stdout!).on('line', (line) => onEvent(JSON.parse(line) as Event))
  return { child, closed: once(child, 'close') }
}

for (const protocol of ['classic', 'consumer']) {
  toolTest(`verifiable producer and consumer agree, although the broker is killed twice: ${protocol} protocol`, async (t) => {
    t.timeout(110_000)
    const folder = await tempDir(t)
    const port = await freePort()
    const topic = uniqueName('verifiable')
    const settings = { 'group.consumer.heartbeat.interval.ms': '500', 'group.consumer.min.heartbeat.interval.ms': '500' }
    const startBroker = () => startChildBroker({ dir: path.join(folder, 'data'), port, topics: { [topic]: PARTITIONS }, settings })
    let broker = await startBroker()
    t.teardown(() => broker.stop())
    // By itself the producer retries nothing.
    const config = path.join(folder, 'producer.properties')
    await writeFile(config, 'enable.idempotence=true\nretries=2147483647\nreconnect.backoff.max.ms=200\n')
    const where = ['--bootstrap-server', broker.bootstrap, '--topic', topic]

    const read = new Map<string, string>()
    let reads = 0
    const asMember = ['--group-id', uniqueName('verifiable'), '--group-protocol', protocol, '--reset-policy', 'earliest', '--verbose']
    const consumer = await start(t, 'verifiable-consumer', [...where, ...asMember], ({ name, partition, offset, value }) => {
      if (name !== 'record_data') return
      reads++
      read.set(`${partition} ${offset}`, value!)
    })
    const acknowledged = new Map<string, string>()
    const errors: Event[] = []
    const limits = ['--max-messages', `${RECORDS}`, '--throughput', '1000', '--acks', '-1', '--command-config', config]
    const producer = await start(t, 'verifiable-producer', [...where, ...limits], (event) => {
      if (event.name === 'producer_send_error') errors.push(event)
      if (event.name === 'producer_send_success') acknowledged.set(`${event.partition} ${event.offset}`, event.value!)
    })
    for (const share of [0.2, 0.6]) {
      while (acknowledged.size < RECORDS * share) await delay(5)
      await broker.kill()
      broker = await startBroker()
    }
    t.deepEqual((await producer.closed)[0], 0)
    for (const end = Date.now() + PATIENCE_MS; read.size < RECORDS && Date.now() < end;) await delay(20)
    consumer.child.kill('SIGTERM')
    await consumer.closed

    t.deepEqual(errors, [])
    t.deepEqual(
      [...acknowledged.values()].map(Number).toSorted((a, b) => a - b),
      Array.from({ length: RECORDS }, (_, n) => n)
    )
    t.deepEqual([...read].toSorted(), [...acknowledged].toSorted(), 'what was acknowledged is read, where it was said to be')
    const session = await Session.connect(broker)
    t.teardown(() => session.close())
    let stored = 0
    for (let partition = 0; partition < PARTITIONS; partition++) stored += (await session.offsetAt(topic, partition, -1)).offset
    t.is(stored, RECORDS, 'nothing is there twice')
    t.log(`${reads - RECORDS} were read again`)
  })
}
