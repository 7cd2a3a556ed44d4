/** What a verification tells. */

export interface Finding {
  /**
   * `damage`: bytes are not what they must be, something is missing or contradicts something else. `note`: nothing is wrong with the data, but
   * somebody may want to know: a leftover, a foreign file, an index that the next start makes anew.
   */
  readonly level: 'damage' | 'note'
  /** Below the folder that was verified. */
  readonly file: string
  readonly message: string
}

/** Of one file. At most `MOST_FINDINGS` of each level are kept; the last one then says how many more there are. */
export class FileFindings {
  readonly #file: string
  readonly #tell: (finding: Finding) => void
  #told = 0
  #more = 0

  constructor(file: string, tell: (finding: Finding) => void) {
    this.#file = file
    this.#tell = tell
  }

  get any(): boolean {
    return this.#told > 0
  }

  damage(message: string): void {
    if (this.#told >= MOST_FINDINGS) this.#more++
    else this.#tell({ level: 'damage', file: this.#file, message })
    this.#told++
  }

  note(message: string): void {
    this.#tell({ level: 'note', file: this.#file, message })
  }

  /** Called when the file has been looked through. */
  end(): void {
    if (this.#more > 0) this.#tell({ level: 'damage', file: this.#file, message: `and ${this.#more} more of the kind` })
  }
}

/** A file that is broken throughout is told of once, not a million times. */
const MOST_FINDINGS = 20
