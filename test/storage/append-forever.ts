/** The child of the kill -9 test: appends to four partitions and prints the offsets of partition 0 that were acknowledged, until it is killed. */
import { systemClock } from '../../src/clock.js'
import { loadBrokerConfig, resolveTopicConfig } from '../../src/config/index.js'
import { Runtime } from '../../src/native/runtime.js'
import { buildBatch } from '../../src/record/index.js'
import { LogManager } from '../../src/storage/log-manager.js'
import { collectingLogger, TOPIC_ID } from './support.js'

const dir = process.argv[2]!
const { config: broker } = loadBrokerConfig({ 'sluice.flush.background.bytes': '50000' })
const config = resolveTopicConfig(
  broker,
  new Map([
    ['internal.segment.bytes', '100000'],
    ['index.interval.bytes', '500']
  ])
)
const runtime = new Runtime()
const { log } = collectingLogger()
const manager = await LogManager.open({
  dirs: [dir],
  runtime,
  clock: systemClock(),
  log,
  config: broker,
  topicConfig: () => config,
  nodeId: 1
})

async function fill(partition: number): Promise<never> {
  const one = (await manager.whenReady('t', partition)) ?? (await manager.create('t', partition, TOPIC_ID, config))
  for (;;) {
    const first = one.nextOffset
    const records = Array.from({ length: 1 + (first % 4) }, (_, index) => ({
      value: Buffer.from(`record ${first + index}`.padEnd(100, '.'))
    }))
    const bytes = buildBatch(records, { timestamp: Date.now() })
    const frame = runtime.frameFrom(bytes)
    const result = await one.append({ frame, offset: 0, length: bytes.length, origin: 'client', leaderEpoch: 0 })
    runtime.release(frame)
    if (partition === 0) process.stdout.write(`acked ${result.lastOffset}\n`)
  }
}

await Promise.all([0, 1, 2, 3].map((partition) => fill(partition)))
