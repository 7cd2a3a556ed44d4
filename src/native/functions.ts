/** The addon's functions that need no runtime. */
import { addonFolder, loadAddon } from './load-addon.js'

export { addonFolder }

/** See `Addon.walkRecords`. */
export function walkRecords(bytes: Uint8Array, start: number, end: number, count: number, into: Float64Array): number {
  return loadAddon().walkRecords(bytes, start, end, count, into)
}

/** See `Addon.crc32c`. */
export function crc32c(bytes: Uint8Array, seed: number): number {
  return loadAddon().crc32c(bytes, seed)
}

/** See `Addon.lockFile`. */
export function lockFile(path: string): number {
  return loadAddon().lockFile(path)
}

export function unlockFile(handle: number): void {
  loadAddon().unlockFile(handle)
}

/** See `Addon.lockHolder`. */
export function lockHolder(path: string): number | undefined {
  return loadAddon().lockHolder(path)
}
