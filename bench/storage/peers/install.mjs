// Installs the stores that the storage benchmark compares with, once for each state of the lock file and each version of Node's interface, into
// the cache folder, and prints their folder. Some bring C++ that is compiled then. One that can't be installed is left out: who loads it sees that.
// Exit code 3: npm is missing or nothing can be had; standard error says why.
import { copyFileSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Unavailable, cached, digestOf, printProduct, run } from '../../../scripts/clients/cached.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const FILES = ['package.json', 'package-lock.json']

await printProduct(() => {
  const digest = digestOf(FILES.map((file) => join(here, file)))
  return cached(`bench-storage-${digest}-${process.arch}-${process.versions.modules}`, (folder) => {
    for (const file of FILES) copyFileSync(join(here, file), join(folder, file))
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
    if (!existsSync(join(folder, 'node_modules'))) throw new Unavailable('npm installed nothing')
  })
})
