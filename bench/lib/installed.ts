/** The real Apache Kafka that brokers are compared with, where it can be had. */
import { run } from '../../test/support/processes.js'
import { installedKafka, Unavailable } from './broker.js'
import type { Progress } from './progress.js'

/** From here on the user is told why nothing happens. */
const INSTALL_NOTE_MS = 3000

/** Installs Apache Kafka if it is not there yet. A text tells why it cannot be had, in one sentence. */
export async function kafkaOrReason(progress: Progress): Promise<{ readonly jars: string; readonly version: string } | string> {
  const slow = setTimeout(() => progress.note('installing Apache Kafka with Maven …'), INSTALL_NOTE_MS)
  try {
    return await installedKafka()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    progress.note(error.message)
    return error.message
  } finally {
    clearTimeout(slow)
  }
}

/** The first line of `java --version`. */
export async function javaVersion(): Promise<string> {
  const { stdout } = await run('java', ['--version'])
  return stdout.split('\n', 1)[0] ?? ''
}
