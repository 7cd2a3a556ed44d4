/** Processes that may have few descriptors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { buildBatch } from '../../src/record/index.js'
import { firstLine, root } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const PARTITIONS = 150
/** Each partition has three files open once it was written to; what else a broker has open is about 40. */
const LIMIT = 3 * PARTITIONS + 100

test('an orderly stop does not need a descriptor more for each partition', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  const command = `ulimit -n ${LIMIT} && exec "$0" dist/src/cli/main.js start --port 0 --dir "$1" --topic a:${PARTITIONS}`
  const child = spawn('bash', ['-c', command, process.execPath, dir], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const port = Number(/bootstrap=\S+:(\d+)/.exec(await firstLine(child, 'ready'))?.[1])
  const client = await RawClient.connect({ host: '127.0.0.1', port })
  const records = buildBatch([{ value: Buffer.from('x') }])
  const partitionData = Array.from({ length: PARTITIONS }, (_, index) => ({ index, records }))
  const answer = await client.request(produce, 9, { acks: 1, timeoutMs: 10_000, topicData: [{ name: 'a', partitionData }] })
  t.deepEqual(new Set(answer.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)), new Set([0]), log)
  client.close()
  const gone = once(child, 'close')
  child.kill('SIGTERM')
  t.deepEqual(await gone, [0, null], log)
  t.notRegex(log, /ERROR|EMFILE/)
  t.true(existsSync(path.join(dir, '.kafka_cleanshutdown')))
})

/** A program that may have 64 descriptors: it ends well, and in order. */
async function withFew(t: ExecutionContext, work: string): Promise<void> {
  const program = `
    import { LogDirectory } from ${JSON.stringify(path.join(root, 'dist/src/storage/index.js'))}
    const directory = await LogDirectory.open(process.argv[1], { log: console })
    ${work}
    await directory.close()`
  const dir = path.join(await tempDir(t), 'data')
  const command = 'ulimit -n 64 && exec "$0" --input-type=module -e "$1" "$2"'
  const child = spawn('bash', ['-c', command, process.execPath, program, dir], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [said, failed, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  t.is(code, 0, said + failed)
  t.notRegex(said + failed, /EMFILE/)
  t.true(existsSync(path.join(dir, '.kafka_cleanshutdown')))
}

test('a program that may have 64 descriptors uses more logs than that', (t) =>
  withFew(
    t,
    `for (let round = 0; round < 2; round++)
      for (let i = 0; i < 80; i++) {
        const log = await directory.log('t' + i)
        await log.append({ value: Buffer.from('x') })
        let count = 0
        for await (const record of log.records()) count += record.value.length
        if (count !== round + 1) throw new Error(count + ' records in round ' + round)
      }`
  ))

test('a program that may have 64 descriptors makes many logs at once', (t) =>
  withFew(
    t,
    `await Promise.all(Array.from({ length: 200 }, async (_, i) => (await directory.log('t' + i)).append({ value: Buffer.from('x') })))`
  ))
