/** What settings say of disk threads and descriptors, for the native runtime of a broker or of a library's folder. */
import type { BrokerConfig } from '../config/broker-config.js'
import type { RuntimeOptions } from '../native/binding.js'
import { openSegments } from '../native/open-files.js'

export type DiskOptions = Omit<RuntimeOptions, 'frameMemoryBytes'>

export function diskOptions(config: BrokerConfig): DiskOptions {
  return {
    appendThreads: config.get('sluice.disk.append.threads'),
    readThreads: config.get('sluice.disk.read.threads'),
    flushThreads: config.get('sluice.disk.flush.threads'),
    maintenanceThreads: config.get('sluice.disk.maintenance.threads'),
    recoveryThreads: config.get('num.recovery.threads.per.data.dir'),
    laneQueueLimit: config.get('sluice.disk.queue.limit'),
    openSegments: openSegments(config.get('sluice.disk.open.files'))
  }
}
