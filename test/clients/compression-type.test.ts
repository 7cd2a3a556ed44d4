/** Topics whose codec the broker sets: clients write with another one, and Apache Kafka's own consumer and dump-log read what is stored. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import test from 'ava'
import { foreignBroker, startBroker } from '../support/broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { tempDir } from '../support/temp-dir.js'

const CODECS = { uncompressed: 'none', gzip: 'gzip', snappy: 'snappy', lz4: 'lz4', zstd: 'zstd' } as const
const RECORDS = 40
const toolTest = haveTools && !foreignBroker ? test : test.skip

toolTest('every codec of a topic: read by the Java consumer, accepted by dump-log', async (t) => {
  const dir = await tempDir(t)
  const broker = await startBroker({ dir })
  const client = { clientId: 'packer', bootstrapBrokers: [broker.bootstrap] }
  const admin = new Admin(client)
  for (const codec of Object.keys(CODECS)) {
    const configs = [{ name: 'compression.type', value: codec }]
    await admin.createTopics({ topics: [`packed-${codec}`], partitions: 1, replicas: 1, configs })
  }
  await admin.close()
  // Large enough for several blocks of every framing.
  const value = (i: number) => `value ${i} `.repeat(2000 + i)
  for (const compression of ['none', 'gzip', 'snappy'] as const) {
    const producer = new Producer({ ...client, serializers: stringSerializers, compression })
    for (const codec of Object.keys(CODECS)) {
      const messages = Array.from({ length: RECORDS }, (_, i) => ({
        topic: `packed-${codec}`,
        key: `${compression}-${i}`,
        value: value(i),
        headers: { n: `${i}` }
      }))
      await producer.send({ messages, acks: -1 })
    }
    await producer.close()
  }
  const total = Object.keys(CODECS).length * 3 * RECORDS
  const consumer = ['--bootstrap-server', broker.bootstrap, '--include', 'packed-.*', '--from-beginning', '--max-messages', String(total)]
  const properties = ['print.key=true', 'print.headers=true', 'print.offset=true'].flatMap((one) => ['--formatter-property', one])
  const read = await runTool('console-consumer', [...consumer, '--timeout-ms', '20000', ...properties])
  t.is(read.code, 0, read.stderr)
  const expected = Object.keys(CODECS).flatMap(() =>
    ['none', 'gzip', 'snappy'].flatMap((source, at) =>
      Array.from({ length: RECORDS }, (_, i) => `Offset:${at * RECORDS + i}\tn:${i}\t${source}-${i}\t${value(i)}`)
    )
  )
  t.deepEqual(
    read.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd())
      .toSorted(),
    expected.map((line) => line.trimEnd()).toSorted()
  )
  await broker.stop()

  const files = Object.keys(CODECS).map((codec) => path.join(dir, `packed-${codec}-0`, '00000000000000000000.log'))
  t.true(files.every((file) => readdirSync(path.dirname(file)).includes(path.basename(file))))
  const dumped = await runTool('dump-log', ['--deep-iteration', '--files', files.join(',')])
  t.is(dumped.code, 0, dumped.stderr)
  const found = [...dumped.stdout.matchAll(/compresscodec: (\w+)/g)].map((match) => match[1])
  t.deepEqual([...new Set(found)], Object.values(CODECS))
  t.is(dumped.stdout.match(/\| offset: /g)?.length, total)
  t.notRegex(dumped.stdout + dumped.stderr, /isvalid: false|error|Exception|corrupt/i)
})
