/**
 * What a test needs and a machine may lack. A test file asks at load time and declares its tests with the answer:
 *
 *     const tools = await available('kafka-tools')
 *     const testWithTools = tools.found ? test.serial : test.serial.skip
 *
 * so that a test that cannot run is counted as skipped, by its name.
 */
import { run, root } from './processes.js'
import path from 'node:path'

export type Need = 'kafka-tools' | 'librdkafka' | 'franz-go' | 'strace'

/** `product` is what its installer prints: the jars' folder, the Python interpreter, the built driver. */
export type Availability = { readonly found: true; readonly product: string } | { readonly found: false; readonly reason: string }

const EXIT_UNAVAILABLE = 3
const INSTALL_TIMEOUT_MS = 15 * 60_000

const installers: Record<Need, readonly string[]> = {
  'kafka-tools': ['scripts/kafka/install.mjs'],
  librdkafka: ['scripts/clients/install.mjs', 'librdkafka'],
  'franz-go': ['scripts/clients/install.mjs', 'franz-go'],
  strace: ['scripts/clients/install.mjs', 'strace']
}

/** Installs `need` if it is not there yet (minutes, the first time). SLUICE_TEST_WITHOUT (names, comma-separated) makes it absent. */
export async function available(need: Need): Promise<Availability> {
  if ((process.env['SLUICE_TEST_WITHOUT'] ?? '').split(',').includes(need)) return { found: false, reason: 'SLUICE_TEST_WITHOUT' }
  const [script = '', ...args] = installers[need]
  const { code, stdout, stderr } = await run(process.execPath, [path.join(root, script), ...args], { timeoutMs: INSTALL_TIMEOUT_MS })
  if (code === 0) return { found: true, product: stdout.trim() }
  if (code !== EXIT_UNAVAILABLE) throw new Error(`installing ${need} failed:\n${stderr}`)
  process.stderr.write(`${need} is skipped: ${stderr}`)
  return { found: false, reason: stderr.trim() }
}
