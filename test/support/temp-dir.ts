import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { ExecutionContext } from 'ava'

/** A new folder under the system's temporary one, removed after the test. */
export async function tempDir(t: ExecutionContext): Promise<string> {
  const { dir, remove } = await ownedTempDir()
  t.teardown(remove)
  return dir
}

/** The same for a whole file: the caller removes it. */
export async function ownedTempDir(): Promise<{ dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'sluice-test-'))
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
