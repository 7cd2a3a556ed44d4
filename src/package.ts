/** This package: where it is, and its version. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Its folder: two above this module's, and above the bundle's. */
export function packageRoot(): string {
  return fileURLToPath(new URL('../../', import.meta.url))
}

/** As package.json says it. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}
