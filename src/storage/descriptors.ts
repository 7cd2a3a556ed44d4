/**
 * Patience with a process that has no free descriptor, or no room in the queue of a disk thread, for which it is the same. That says nothing of the disk, and is over soon: where something is half done, waiting for it is
 * better than giving up a log directory (which Kafka does).
 */
import { setTimeout as delay } from 'node:timers/promises'

/** Whoever waits for an answer has gone by then. */
const PATIENCE_MS = 30_000
const RETRY_MS = 50
const NO_DESCRIPTOR = new Set(['EMFILE', 'ENFILE', 'EAGAIN'])

/** The process, or the whole system, has as many files open as it may, or a disk thread as many jobs: the disk was asked nothing. */
export function hasNoDescriptor(error: unknown): boolean {
  return NO_DESCRIPTOR.has((error as NodeJS.ErrnoException).code ?? '')
}

/** Does `work` again as long as there is no descriptor for it, for half a minute at most, and while it is `wanted`. Rejects as it does. */
export async function withDescriptor<T>(work: () => Promise<T>, wanted: () => boolean = () => true): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!hasNoDescriptor(error) || !wanted() || performance.now() >= deadline) throw error
    }
    await delay(RETRY_MS)
  }
}
