/**
 * What starting and stopping a broker with many partitions, or with much data, takes:
 *
 *   npm run bench:starts -- [--partitions 5000] [--mib 0] [--batch 65536] [--dir FOLDER] [--program dist/bundle/sluice.js]
 *
 * Prints one line of JSON per step. `ready`: from the start of the process to its ready line; `first`: to the first acknowledged record in the last
 * partition; `all`: to one in every partition (of at most 10,000, in few requests). `used`: CPU time until then. All times in ms, memory in MiB, CPU in percent of one core.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { buildBatch } from '../../src/record/index.js'
import { firstLine, root } from '../../test/support/processes.js'
import { RawClient } from '../../test/support/raw-client.js'
import { cpuBetween, memoryOf, openFilesOf, sampleCpu } from '../lib/process.js'

const MIB = 1024 * 1024
const PATIENCE_MS = 600_000
const PARTITIONS_PER_REQUEST = 500
const RETRY_MS = 5
const IDLE_MS = 5000
const TOPIC = 'many'

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '5000' },
    mib: { type: 'string', default: '0' },
    batch: { type: 'string', default: '65536' },
    dir: { type: 'string' },
    program: { type: 'string', default: 'dist/bundle/sluice.js' },
    node: { type: 'string', multiple: true, default: [] }
  }
})
const partitions = Number(values.partitions)
const mib = Number(values.mib)
const batchBytes = Number(values.batch)
const dir = values.dir ?? (await mkdtemp(path.join(os.tmpdir(), 'sluice-starts-')))

interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly client: RawClient
  readonly startedAt: number
  readonly ready: number
}

try {
  await measure()
} finally {
  if (values.dir === undefined) await rm(dir, { recursive: true, force: true })
}

async function measure(): Promise<void> {
  let broker = await start()
  const before = performance.now()
  await create(broker)
  tell('create', { ms: performance.now() - before })
  await writeAll(broker)
  if (mib > 0) await fill(broker)
  tell('stop after writing', { ms: await stop(broker) })

  broker = await start()
  const first = await firstAcknowledged(broker)
  const { rss } = memoryOf(broker.pid)
  tell('clean start', { ready: broker.ready, first, used: usedMs(broker.pid), rss, files: openFilesOf(broker.pid) })
  tell('idle', { cpu: await idleCpu(broker.pid), files: openFilesOf(broker.pid) })
  tell('clean stop', { ms: await stop(broker) })

  broker = await start()
  tell('clean start', { ready: broker.ready, all: await writeAll(broker) })
  if (mib > 0) await fill(broker)
  tell('written', { rss: memoryOf(broker.pid).rss, files: openFilesOf(broker.pid), cpu: await idleCpu(broker.pid) })
  await kill(broker)

  broker = await start()
  const afterKill = await firstAcknowledged(broker)
  tell('start after kill -9', { ready: broker.ready, first: afterKill, used: usedMs(broker.pid) })
  tell('all of them', { all: await writeAll(broker), used: usedMs(broker.pid) })
  tell('stop', { ms: await stop(broker) })
}

function tell(step: string, figures: Readonly<Record<string, number>>): void {
  const rounded = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]))
  process.stdout.write(`${JSON.stringify({ step, partitions, mib, ...rounded })}\n`)
}

async function start(): Promise<Running> {
  const startedAt = performance.now()
  const program = path.resolve(root, values.program)
  const child = spawn(process.execPath, [...values.node, program, 'start', '--port', '0', '--dir', dir], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [, port, pid] = /bootstrap=\S+:(\d+) pid=(\d+)/.exec(await firstLine(child, 'ready')) ?? []
  const ready = performance.now() - startedAt
  const client = await RawClient.connect({ host: '127.0.0.1', port: Number(port) }, { patienceMs: PATIENCE_MS })
  return { child, pid: Number(pid), client, startedAt, ready }
}

async function stop({ child, client }: Running): Promise<number> {
  client.close()
  const at = performance.now()
  child.kill('SIGTERM')
  await once(child, 'close')
  return performance.now() - at
}

async function kill({ child, client }: Running): Promise<void> {
  client.close()
  child.kill('SIGKILL')
  await once(child, 'close')
}

async function create({ client }: Running): Promise<void> {
  const topics = [{ name: TOPIC, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }]
  const answer = await client.request(createTopics, 7, { topics, timeoutMs: PATIENCE_MS, validateOnly: false })
  if (answer.topics[0]?.errorCode !== 0) throw new Error(`the topic was not created: ${answer.topics[0]?.errorCode}`)
}

/** One record in each partition, however long it takes. Resolves to the time since the start. */
async function writeAll({ client, startedAt }: Running): Promise<number> {
  const records = buildBatch([{ value: Buffer.alloc(100) }])
  let left = Array.from({ length: partitions }, (_, index) => index)
  while (left.length > 0) {
    const failed: number[] = []
    for (let at = 0; at < left.length; at += PARTITIONS_PER_REQUEST) {
      failed.push(...(await write(client, left.slice(at, at + PARTITIONS_PER_REQUEST), records)))
    }
    if (failed.length > 0) await delay(RETRY_MS)
    left = failed
  }
  return performance.now() - startedAt
}

/** The partitions that refused. */
async function write(client: RawClient, indexes: readonly number[], records: Buffer): Promise<number[]> {
  const topicData = [{ name: TOPIC, partitionData: indexes.map((index) => ({ index, records })) }]
  const answer = await client.request(produce, 9, { acks: 1, timeoutMs: PATIENCE_MS, topicData })
  const answers = answer.responses[0]?.partitionResponses ?? []
  return answers.filter(({ errorCode }) => errorCode !== 0).map(({ index }) => index)
}

async function firstAcknowledged({ client, startedAt }: Running): Promise<number> {
  const records = buildBatch([{ value: Buffer.alloc(100) }])
  while ((await write(client, [partitions - 1], records)).length > 0) await delay(RETRY_MS)
  return performance.now() - startedAt
}

/** `mib` in all partitions together. */
async function fill({ client }: Running): Promise<void> {
  const records = buildBatch([{ value: Buffer.alloc(batchBytes, 'x') }])
  const rounds = Math.ceil((mib * MIB) / records.length / partitions)
  const group = Math.max(1, Math.min(partitions, Math.floor((16 * MIB) / records.length)))
  for (let round = 0; round < rounds; round++) {
    for (let from = 0; from < partitions; from += group) {
      const indexes = Array.from({ length: Math.min(group, partitions - from) }, (_, index) => from + index)
      const failed = await write(client, indexes, records)
      if (failed.length > 0) throw new Error(`${failed.length} batches were refused`)
    }
  }
}

/** CPU time since the start. */
function usedMs(pid: number): number {
  const { user, system } = sampleCpu(pid)
  return (user + system) * 1000
}

async function idleCpu(pid: number): Promise<number> {
  await delay(1000)
  const before = sampleCpu(pid)
  await delay(IDLE_MS)
  const { cpu, seconds } = cpuBetween(before, sampleCpu(pid))
  return (cpu / seconds) * 100
}
