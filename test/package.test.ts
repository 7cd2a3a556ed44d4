/** What `npm pack` makes is a package that works where it is installed: without a compiler, and without what lies beside it here. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { firstLine, root } from './support/processes.js'

const run = promisify(execFile)

const PROGRAM = `
import { LogDirectory } from 'sluice/storage'
const directory = await LogDirectory.open('./data')
const log = await directory.log('t')
await log.append({ value: Buffer.from('hello') })
for await (const { offset, value } of log.records()) console.log(offset, value.toString())
await directory.close()
`

test('a packed package stores records and has its command', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-package-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  // What is built is there already: nothing is built while other tests use it.
  const place = path.join(root, 'scripts/pack.mjs')
  await run(process.execPath, [place])
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root })
  await run(process.execPath, [place, '--clean'])
  await run('tar', ['-xzf', stdout.trim().split('\n').at(-1)!], { cwd: folder })
  const installed = path.join(folder, 'package')
  // As an installation would bring them.
  await symlink(path.join(root, 'node_modules'), path.join(installed, 'node_modules'))
  await mkdir(path.join(folder, 'node_modules'))
  await symlink(installed, path.join(folder, 'node_modules/sluice'))
  await writeFile(path.join(folder, 'program.mjs'), PROGRAM)
  t.is((await run(process.execPath, ['program.mjs'], { cwd: folder })).stdout, '0 hello\n')
  const command = path.join(installed, 'dist/bundle/sluice.js')
  t.regex((await run(process.execPath, [command, '--help'])).stdout, /Usage: sluice/)
  const broker = spawn(process.execPath, [command, 'start', '--port', '0', '--dir', path.join(folder, 'broker')])
  t.teardown(() => broker.kill('SIGKILL'))
  t.regex(await firstLine(broker, 'ready'), /bootstrap=127/)
  broker.kill('SIGTERM')
  t.deepEqual(await once(broker, 'close'), [0, null])
})
