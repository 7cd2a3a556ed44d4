/** How many of Node's threads wait for the disk: codecs use the same. */
import fsp, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import test from 'ava'
import { startEngine, TOPIC_ID } from './support.js'

const THREADS = 4

let syncing = 0
let most = 0
const { open } = fsp
fsp.open = async (...args: Parameters<typeof open>) => {
  const handle = await open(...args)
  for (const name of ['sync', 'datasync'] as const) handle[name] = () => counted(handle, name)
  return handle
}
syncBuiltinESMExports()

async function counted(handle: FileHandle, name: 'sync' | 'datasync'): Promise<void> {
  most = Math.max(most, ++syncing)
  try {
    await (Object.getPrototypeOf(handle) as FileHandle)[name].call(handle)
  } finally {
    syncing--
  }
}

test('partitions that are made at once leave a thread to codecs', async (t) => {
  const engine = await startEngine(t)
  most = 0
  await Promise.all(Array.from({ length: 40 }, (_, index) => engine.manager.create('t', index, TOPIC_ID, engine.config())))
  t.true(most > 1, `${most}`)
  t.true(most < THREADS, `${most}`)
})
