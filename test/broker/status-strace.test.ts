/** The truth meter against the kernel: the bytes that it counts are those that the system calls returned, call by call. */
import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { ListenerTraffic } from '../../src/broker/status.js'
import { readStatus } from '../../src/cli/status-client.js'
import { available } from '../support/available.js'
import { RawClient } from '../support/raw-client.js'
import { startTracedBroker, sumOf, type Call } from '../support/strace.js'
import { tempDir } from '../support/temp-dir.js'
import { fetchRecords, produceValue } from '../support/traffic.js'

const strace = await available('strace')
const tracedTest = strace.found ? test.serial : test.serial.skip

const TO_SOCKET = /^\d+<TCP/
const TOPIC_LOG = /^\d+<[^>]*\/orders-0\/\d{20}\.log>/
const WRITES = ['sendmsg', 'sendto', 'write', 'writev']
const READS = ['read', 'readv', 'recvfrom', 'recvmsg']

/** Small and large, at odd positions, more than a socket takes at once. */
const FETCHES = [100, 20_000, 33_000, 100_000, 1_000_000, 6_000_000]

async function load(
  t: ExecutionContext,
  mode: string
): Promise<{ calls: Call[]; total: ListenerTraffic; produced: number; fetched: number }> {
  const broker = await startTracedBroker(await tempDir(t), ['--topic', 'orders:1', '--set', `sluice.transfer.mode=${mode}`])
  const client = await RawClient.connect(broker)
  let produced = 0
  let fetched = 0
  for (const length of [1, 5000, 700_000, 700_000, 700_000, 700_000, 700_000, 700_000, 700_000]) {
    produced += (await produceValue(client, 'orders', randomBytes(length))).batch.length
  }
  for (const bytes of FETCHES) fetched += (await fetchRecords(client, 'orders', 0, bytes)).length
  const { total, topics } = await readStatus([broker.dir])
  client.close()
  t.deepEqual([topics[0]?.producedBytes, topics[0]?.fetchedBytes], [produced, fetched])
  return { calls: await broker.stop(), total, produced, fetched }
}

for (const mode of ['auto', 'sendfile', 'splice', 'mmap', 'readwrite']) {
  tracedTest(`${mode}: the meter agrees with the system calls`, async (t) => {
    const { calls, total, produced, fetched } = await load(t, mode)
    t.is(total.sendfileBytes, sumOf(calls, ['sendfile'], TO_SOCKET))
    t.is(total.spliceBytes, sumOf(calls, ['splice'], /, \d+<TCP/))
    t.is(total.ownBytes + total.mmapBytes + total.readwriteBytes, sumOf(calls, WRITES, TO_SOCKET))
    t.is(total.bytesReceived, sumOf(calls, READS, TO_SOCKET))
    t.is(produced, sumOf(calls, ['pwrite64', 'pwritev', 'pwritev2', 'write', 'writev'], TOPIC_LOG))
    // What is copied was read before; what a full socket did not take is read again.
    t.true(total.readwriteBytes <= sumOf(calls, ['pread64', 'preadv', 'preadv2'], TOPIC_LOG))
    const { sendfileBytes, spliceBytes, mmapBytes, readwriteBytes } = total
    const byPath: Record<string, number> = { sendfile: sendfileBytes, splice: spliceBytes, mmap: mmapBytes, readwrite: readwriteBytes }
    t.is(sendfileBytes + spliceBytes + mmapBytes + readwriteBytes, fetched)
    if (mode === 'auto') t.true(sendfileBytes > 0 && readwriteBytes > 0 && spliceBytes + mmapBytes === 0)
    else t.is(byPath[mode], fetched)
  })
}
