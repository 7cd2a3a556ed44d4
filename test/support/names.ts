import { randomBytes } from 'node:crypto'

/** A name nobody else uses, because the broker under test may be shared (SLUICE_TEST_BOOTSTRAP). */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`
}
