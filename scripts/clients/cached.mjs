// What the tests need and npm does not bring is installed once into a cache folder: $XDG_CACHE_HOME/sluice, else ~/.cache/sluice.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const LOCK_POLL_MS = 200
const LOCK_PATIENCE_MS = 15 * 60_000

/** The machine lacks what an installation needs (a tool, a registry): not a failure of the project. */
export class Unavailable extends Error {
  name = 'Unavailable'
}

export function cacheFolder() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice')
}

/** Short digest of files: names a product after what it is made from, so that a change of a recipe makes a new one. */
export function digestOf(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file)).update('\0')
  return hash.digest('hex').slice(0, 10)
}

/**
 * The folder `name` in the cache, made by `build(folder)` when it is not there. Whole or absent: it is made beside its place and renamed.
 * `inPlace`: it does not survive a rename (it holds its own path), so a mark inside says that it is whole. One process builds, others wait.
 */
export async function cached(name, build, { inPlace = false } = {}) {
  const place = join(cacheFolder(), name)
  const mark = join(place, '.whole')
  const whole = () => existsSync(inPlace ? mark : place)
  if (whole()) return place
  mkdirSync(cacheFolder(), { recursive: true })
  const unlock = await lock(`${place}.lock`)
  try {
    if (whole()) return place
    const work = inPlace ? place : `${place}.part`
    rmSync(work, { recursive: true, force: true })
    mkdirSync(work, { recursive: true })
    await build(work)
    if (inPlace) closeSync(openSync(mark, 'w'))
    else renameSync(work, place)
    return place
  } finally {
    unlock()
  }
}

/** Runs a command in silence. Throws Unavailable, with the end of what it printed, when it cannot be run or fails. */
export function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  if (error?.code === 'ENOENT') throw new Unavailable(`${command} is not installed`)
  if (error) throw new Unavailable(`${command}: ${error.message}`)
  if (status !== 0) throw new Unavailable(`${command} ${args.join(' ')} failed:\n${`${stdout}${stderr}`.trimEnd().slice(-2000)}`)
  return stdout
}

/** The exit code of an installer when the machine lacks what it needs. */
export const EXIT_UNAVAILABLE = 3

/** Prints where the product is, or says on standard error why it cannot be had. */
export async function printProduct(make) {
  try {
    process.stdout.write(`${await make()}\n`)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = EXIT_UNAVAILABLE
  }
}

async function lock(file) {
  for (const end = Date.now() + LOCK_PATIENCE_MS; ;) {
    try {
      const descriptor = openSync(file, 'wx')
      writeSync(descriptor, String(process.pid))
      closeSync(descriptor)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isStale(file)) rmSync(file, { force: true })
    else if (Date.now() > end) throw new Error(`${file} is held by another process for too long`)
    else await delay(LOCK_POLL_MS)
  }
}

/** True if the process that took the lock has ended. A file without a number is one that is being written. */
function isStale(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}
