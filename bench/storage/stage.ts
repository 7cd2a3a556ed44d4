/** What the groups of cases share. */
import type { AtEnd } from '../scale/measure.js'
import type { Loops } from './loops.js'
import type { StoreKind } from './stores/store.js'

export interface Stage {
  /** Empty at the start; whoever makes something in it removes it, or leaves it to the end of the suite. */
  readonly folder: string
  /** Of each measurement, about. */
  readonly seconds: number
  readonly quick: boolean
  readonly signal: AbortSignal
  readonly afterwards: AtEnd
  /** Whom to compare with: files written by hand, and the packages that are there. */
  readonly kinds: readonly StoreKind[]
  /** Compiled at the first call. Rejects with BuildError. */
  loops(): Promise<Loops>
}
