/** The fault library (native/faults) and how a child process gets it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { addonFolder } from '../native/functions.js'

export interface FaultOptions {
  /** The folder whose changes are watched: absolute, without symbolic links. */
  readonly root: string
  /** What is written to this file becomes marks in the journal; `rules …` replaces the rules. */
  readonly control: string
  /** Where the journal goes; without one none is kept. */
  readonly journal?: string
  /** See native/faults/rules.h. */
  readonly rules?: string
}

/**
 * Why the file changes of a child can't be watched here; undefined: they can. Tries it: where a library can't be preloaded, the dynamic loader goes on
 * without.
 */
export function faultLibraryProblem(): string | undefined {
  const library = libraryFile()
  if (!existsSync(library)) return `the fault library ${library} is not built`
  const root = mkdtempSync(path.join(os.tmpdir(), 'sluice-faults-'))
  try {
    const journal = path.join(root, 'journal')
    const env = { ...process.env, ...faultEnvironment({ root, control: path.join(root, 'control'), journal }) }
    const { stderr } = spawnSync(process.execPath, ['-e', ''], { env, encoding: 'utf8' })
    return existsSync(journal) ? undefined : `the fault library ${library} can not be preloaded here: ${stderr.trim()}`
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function libraryFile(): string {
  return path.join(addonFolder(), 'sluice_faults.so')
}

/** The environment of a child whose file changes are watched, where there is no `faultLibraryProblem`. */
export function faultEnvironment({ root, control, journal, rules }: FaultOptions): Record<string, string> {
  return {
    LD_PRELOAD: libraryFile(),
    // Through io_uring Node would change files past the library.
    UV_USE_IO_URING: '0',
    SLUICE_FAULTS_ROOT: root,
    SLUICE_FAULTS_CONTROL: control,
    ...(journal === undefined ? {} : { SLUICE_FAULTS_JOURNAL: journal }),
    ...(rules === undefined ? {} : { SLUICE_FAULTS_RULES: rules })
  }
}
