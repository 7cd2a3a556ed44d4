/** What a figure depends on besides the code: the machine, its kernel, the file system under the data, the versions at work. */
import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Machine } from './result.js'
import { MIB } from './units.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The machine, and the file system of `folder` (which must exist). */
export async function describeMachine(folder: string): Promise<Machine> {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryMiB: Math.round(totalmem() / MIB),
    kernel: `Linux ${release()}`,
    filesystem: await filesystemOf(folder)
  }
}

/** Versions of what is always there: "sluice" → "0.1.0 (4d60410)", "node" → "v20.20.2". */
export async function versions(): Promise<Record<string, string>> {
  const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as { version: string }
  const commit = await commitOf()
  return { sluice: commit === undefined ? version : `${version} (${commit})`, node: process.version }
}

/** "4d60410", "4d60410 with changes"; undefined outside a clone or without git. */
async function commitOf(): Promise<string | undefined> {
  const run = promisify(execFile)
  try {
    const { stdout: commit } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: root })
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: root })
    return changes === '' ? commit.trim() : `${commit.trim()} with changes`
  } catch {
    return undefined
  }
}

/** "ext4 (/dev/vda1; rw,relatime)". */
async function filesystemOf(folder: string): Promise<string> {
  const path = await realpath(folder)
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').flatMap((line) => mountOf(line) ?? [])
  // Of the mount points above the folder the longest counts, and of equal ones the last, which hides the others.
  const mount = mounts
    .filter(({ at }) => isBelow(path, at))
    .reduce((best, next) => (next.at.length >= best.at.length ? next : best), NOWHERE)
  return mount.type === '' ? 'unknown' : `${mount.type} (${mount.source}; ${mount.options})`
}

interface Mount {
  readonly at: string
  readonly type: string
  readonly source: string
  readonly options: string
}

const NOWHERE: Mount = { at: '', type: '', source: '', options: '' }

/** A line of /proc/self/mountinfo, see proc_pid_mountinfo(5): optional fields end with a lone hyphen. */
function mountOf(line: string): Mount | undefined {
  const [left, right] = line.split(' - ')
  const [, , , , at, options] = left?.split(' ') ?? []
  const [type, source] = right?.split(' ') ?? []
  if (at === undefined || options === undefined || type === undefined || source === undefined) return undefined
  return { at: unescape(at), type, source: unescape(source), options }
}

/** Blanks in paths are written as \040. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

function isBelow(path: string, mountPoint: string): boolean {
  return mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`)
}
