/** Data folders that a real Kafka 4.3.1 left behind: after a clean stop, and in the middle of its work. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { fixturePath } from './fixtures.js'

export async function unpackGolden(t: ExecutionContext, name: 'clean' | 'unclean'): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-golden-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const dir = path.join(folder, 'data')
  await mkdir(dir)
  execFileSync('tar', ['-xzf', fixturePath(`golden-log/${name}.tar.gz`), '-C', dir])
  return dir
}
