/** The stores that a Node program might pick instead: no dependencies of the project, installed into the cache folder at the first use. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { root, run } from '../../test/support/processes.js'
import type { Progress } from '../lib/progress.js'
import { PEERS, type Peer } from './options.js'
import { levelKind, type ClassicLevel } from './stores/level.js'
import { lmdbKind, type Lmdb } from './stores/lmdb.js'
import { sqliteKind, type BetterSqlite3 } from './stores/sqlite.js'
import type { StoreKind } from './stores/store.js'

export interface Peers {
  readonly kinds: readonly StoreKind[]
  /** One sentence for each that is not there. */
  readonly leftOut: readonly string[]
  /** By name. */
  readonly versions: Readonly<Record<string, string>>
}

const INSTALL_LIMIT_MS = 20 * 60_000
const INSTALL_NOTE_MS = 1000

const KINDS: Readonly<Record<Peer, (module: unknown) => StoreKind>> = {
  lmdb: (module) => lmdbKind(module as Lmdb),
  'classic-level': (module) => levelKind(module as ClassicLevel),
  'better-sqlite3': (module) => sqliteKind(module as BetterSqlite3)
}

/** Never rejects: what can't be had is a line. */
export async function openPeers(wanted: readonly Peer[], progress: Progress): Promise<Peers> {
  if (wanted.length === 0) return { kinds: [], leftOut: [], versions: {} }
  try {
    return load(await installed(progress), wanted)
  } catch (error) {
    return { kinds: [], leftOut: [`${wanted.join(', ')}: ${(error as Error).message}`], versions: {} }
  }
}

async function installed(progress: Progress): Promise<string> {
  const slow = setTimeout(() => progress.note(`installing ${PEERS.join(', ')}: some minutes, once …`), INSTALL_NOTE_MS)
  try {
    const script = path.join(root, 'bench/storage/peers/install.mjs')
    const { code, stdout, stderr } = await run(process.execPath, [script], { timeoutMs: INSTALL_LIMIT_MS })
    if (code !== 0) throw new Error(`they could not be installed: ${stderr.trim().split('\n').slice(0, 3).join(' ')}`)
    return stdout.trim()
  } finally {
    clearTimeout(slow)
  }
}

/** From a folder with their node_modules. */
export function load(folder: string, wanted: readonly Peer[]): Peers {
  const require = createRequire(path.join(folder, 'package.json'))
  const kinds: StoreKind[] = []
  const leftOut: string[] = []
  const versions: Record<string, string> = {}
  for (const name of wanted) {
    const manifest = path.join(folder, 'node_modules', name, 'package.json')
    try {
      if (!existsSync(manifest)) throw new Error(`it could not be installed (remove ${folder} to try again)`)
      kinds.push(KINDS[name](require(name)))
      versions[name] = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
    } catch (error) {
      leftOut.push(`${name}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  return { kinds, leftOut, versions }
}
