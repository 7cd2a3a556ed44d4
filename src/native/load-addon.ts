/** Finds and loads the addon: what is behind binding.ts. */
import { createRequire } from 'node:module'
import path from 'node:path'
import { packageRoot } from '../package.js'
import type { Addon } from './binding.js'

let loaded: Addon | undefined

/** Loads the addon once: from `prebuilds/` of the package, or `build/` of a clone. Elsewhere than on Linux x64/arm64 with glibc: one clear error. */
export function loadAddon(): Addon {
  if (loaded) return loaded
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new Error(`Sluice runs on Linux x64 and arm64 (glibc), not on ${process.platform} ${process.arch}`)
  }
  loaded = finder()(packageRoot())
  return loaded
}

/** Where the addon lies, and what is built with it. */
export function addonFolder(): string {
  return path.dirname(finder().resolve(packageRoot()))
}

type Finder = ((root: string) => Addon) & { resolve(root: string): string }

function finder(): Finder {
  return createRequire(import.meta.url)('node-gyp-build') as Finder
}
