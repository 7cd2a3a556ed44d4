// Run by npm before a package is packed, when everything is built, and with --clean after it: puts the addon where node-gyp-build looks for it in
// an installed package. It is the one of this machine's architecture; N-API makes it good for every version of Node.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './build.mjs'

const prebuilds = join(root, 'prebuilds')

if (process.argv.includes('--clean')) {
  rmSync(prebuilds, { recursive: true, force: true })
} else {
  const folder = join(prebuilds, `linux-${process.arch}`)
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(root, 'build/Release/sluice.node'), join(folder, 'sluice.glibc.node'))
  // `sluice verify-crash` loads it from beside the addon.
  copyFileSync(join(root, 'build/Release/sluice_faults.so'), join(folder, 'sluice_faults.so'))
}
