/** How a folder ends for a program: closed, deleted or failed, whatever is under way. */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { LogDirectory, type Log } from '../../../src/storage/index.js'

const value = Buffer.from('v')

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-ends-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return path.join(folder, 'data')
}

/** All that can be called of a log, besides appending. */
function callsOf(directory: LogDirectory, log: Log): Record<string, () => unknown> {
  return {
    log: () => directory.log('t'),
    other: () => directory.log('new'),
    delete: () => directory.delete('t'),
    records: async () => log.records({ from: 0 }).next(),
    read: () => log.read(0),
    regions: () => log.regions(0, 10),
    aborted: () => log.abortedTransactions(),
    timestamp: () => log.offsetForTimestamp(0),
    maxTimestamp: () => log.offsetOfMaxTimestamp(),
    deleteBefore: () => log.deleteBefore(1),
    applyRetention: () => log.applyRetention(),
    truncateTo: () => log.truncateTo(0),
    compact: () => log.compact(),
    roll: async () => log.roll(),
    flush: () => log.flush()
  }
}

test('a folder that fails refuses everything with what the system said, and tells who follows', async (t) => {
  const folder = await folderOf(t)
  const directory = await LogDirectory.open(folder)
  const log = await directory.log('t', { settings: { 'cleanup.policy': 'compact,delete' } })
  await log.append({ key: value, value })
  const follower = log.records({ from: 1, follow: new AbortController().signal }).next()
  await rename(folder, `${folder}.gone`)
  await t.throwsAsync(directory.log('new'), { name: 'StorageError', code: 'ENOENT' })
  const offline = { name: 'StorageError', code: 'ENOENT', message: /^the log directory .*data is offline: ENOENT/ }
  await t.throwsAsync(follower, offline)
  for (const [name, call] of Object.entries(callsOf(directory, log))) await t.throwsAsync(async () => call(), offline, name)
  await t.throwsAsync(log.append({ key: value, value }), { name: 'LogError', code: 'KAFKA_STORAGE_ERROR' })
  await directory.close()
  for (const [name, call] of Object.entries(callsOf(directory, log))) await t.throwsAsync(async () => call(), { code: 'ECANCELED' }, name)
  await t.throwsAsync(log.append({ key: value, value }), { code: 'ECANCELED' })
})
