/** The fault library (native/faults) and how a child process gets it. */
import { existsSync } from 'node:fs'
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

/** The environment of a child whose file changes are watched. Throws when the library was not built. */
export function faultEnvironment({ root, control, journal, rules }: FaultOptions): Record<string, string> {
  const library = path.join(addonFolder(), 'sluice_faults.so')
  if (!existsSync(library)) throw new Error(`the fault library ${library} is not built`)
  return {
    LD_PRELOAD: library,
    // Through io_uring Node would change files past the library.
    UV_USE_IO_URING: '0',
    SLUICE_FAULTS_ROOT: root,
    SLUICE_FAULTS_CONTROL: control,
    ...(journal === undefined ? {} : { SLUICE_FAULTS_JOURNAL: journal }),
    ...(rules === undefined ? {} : { SLUICE_FAULTS_RULES: rules })
  }
}
