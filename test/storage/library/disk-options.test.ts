/** What a folder's settings say of the disk holds in a program as in a broker. */
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { LogDirectory, type Log, type Settings } from '../../../src/storage/index.js'

const LOGS = 40
const value = Buffer.from('v')

async function written(t: ExecutionContext, settings: Settings): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-disk-'))
  const directory = await LogDirectory.open(folder, { settings: { 'log.flush.interval.messages': '1', ...settings } })
  t.teardown(async () => {
    await directory.close()
    await rm(folder, { recursive: true, force: true })
  })
  const logs: Log[] = []
  for (let partition = 0; partition < LOGS; partition++) logs.push(await directory.log('t', { partition }))
  for (let round = 0; round < 3; round++) await Promise.all(logs.map((log) => log.append({ value })))
  // What was in use at the same time is closed when others are opened, two of them for one.
  for (const log of [...logs, ...logs]) await log.append({ value })
  return folder
}

async function openSegmentsOf(folder: string): Promise<number> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter((link) => link.startsWith(`${folder}/`) && link.endsWith('.log')).length
}

test('sluice.disk.open.files bounds the descriptors', async (t) => {
  t.is(await openSegmentsOf(await written(t, {})), LOGS)
  const bounded = await openSegmentsOf(await written(t, { 'sluice.disk.open.files': '48' }))
  t.true(bounded <= 16, String(bounded))
})

for (const [when, messages] of [
  ['by call', '9223372036854775807'],
  ['with each append', '1'],
  ['with every other append', '2']
] as const) {
  test(`flushes ${when}: those that the queue has no room for are refused, and the folder goes on`, async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-queue-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const settings = { 'log.flush.interval.messages': messages, 'sluice.disk.queue.limit': '16', 'sluice.disk.flush.threads': '1' }
    const directory = await LogDirectory.open(folder, { settings })
    const logs: Log[] = []
    for (let partition = 0; partition < 60; partition++) {
      const log = await directory.log('t', { partition })
      await log.append({ value })
      // Its folder is flushed then: what comes next is one job.
      await log.flush()
      logs.push(log)
    }
    await Promise.allSettled(logs.map((log) => log.append({ value })))
    await Promise.allSettled(logs.map((log) => log.flush()))
    for (const log of logs) {
      await log.append({ value })
      await log.flush()
      t.is(log.durableOffset, log.endOffset)
      const offsets: number[] = []
      for await (const { offset } of log.records()) offsets.push(offset)
      t.deepEqual(
        offsets,
        Array.from({ length: log.endOffset }, (_, offset) => offset)
      )
    }
    await directory.close()
  })
}
