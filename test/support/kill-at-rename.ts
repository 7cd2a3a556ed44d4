/**
 * Lets a process kill itself, as by kill -9, at a point of a move between log directories that SLUICE_KILL_AT names: loaded before everything
 * else (`node --import`), or imported first, it comes between the engine and what it calls to rename.
 */
import { writeSync } from 'node:fs'
import fsp from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** Ends the process if this is the point. */
export function killAt(name: string): void {
  if (name !== process.env['SLUICE_KILL_AT']) return
  writeSync(1, `killed at ${name}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const { rename } = fsp
fsp.rename = async (from, to) => {
  // The partition's folder, which is deleted, and that of its copy, which takes its place.
  const name = String(to).endsWith('-delete') ? 'source' : String(from).endsWith('-future') ? 'copy' : 'other'
  killAt(`before-${name}`)
  await rename(from, to)
  killAt(`after-${name}`)
}
syncBuiltinESMExports()
