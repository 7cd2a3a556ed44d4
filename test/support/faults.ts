/**
 * Tests that need the fault library (native/faults), which is built beside the addon. Where it is not, or can't be preloaded, they are skipped, and
 * their names say why. SLUICE_TEST_WITHOUT=faults does without.
 */
import test, { type ImplementationFn } from 'ava'
import { faultLibraryProblem } from '../../src/cli/crash-library.js'

const without = (process.env['SLUICE_TEST_WITHOUT'] ?? '').split(',').includes('faults')
const problem = without ? 'SLUICE_TEST_WITHOUT' : faultLibraryProblem()

export const haveFaults = problem === undefined

export function testWithFaults(title: string, run: ImplementationFn<[]>): void {
  if (problem === undefined) test(title, run)
  else test.skip(`${title} (${problem})`, run)
}

/** One after the other. */
export function serialWithFaults(title: string, run: ImplementationFn<[]>): void {
  if (problem === undefined) test.serial(title, run)
  else test.serial.skip(`${title} (${problem})`, run)
}
