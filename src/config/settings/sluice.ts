/** Our own settings. An unknown name that begins with `sluice.` is refused. */
import { boolean, int, long, string } from '../setting.js'

const MiB = 1024 * 1024

export const sluiceSettings = {
  'sluice.transfer.mode': string(
    'auto',
    'How record bytes of a file reach the socket. auto: a copy for small responses, sendfile for large ones. The others force one path, to compare them.',
    { oneOf: ['auto', 'sendfile', 'splice', 'mmap', 'readwrite'], change: 'cluster-wide' }
  ),
  'sluice.transfer.copy.below.bytes': int(
    32768,
    'With sluice.transfer.mode=auto: a smaller response is copied and goes out in one system call.',
    { min: 0, max: 262144, change: 'cluster-wide' }
  ),
  'sluice.transfer.inline.below.bytes': int(
    131072,
    'A smaller response is first tried on the calling thread, without blocking; larger ones go to an I/O thread, unless the connection is the only one at work.',
    { min: 0, change: 'cluster-wide' }
  ),
  'sluice.network.inline.receive': boolean(
    true,
    'Small requests are read on the thread that handles them, which saves two thread switches each. Connections with large requests or responses always belong to the network threads.'
  ),
  'sluice.request.memory.bytes': long(
    256 * MiB,
    'Memory for requests that are being received or handled. When it is used up, sockets are not read until some is free.',
    { min: MiB }
  ),
  'sluice.connection.max.pending.requests': int(
    128,
    'Requests of one connection that may wait to be handled, or answers to be sent, before its socket is no longer read.',
    { min: 1 }
  ),
  'sluice.connection.max.pending.bytes': long(64 * MiB, 'As sluice.connection.max.pending.requests, in bytes.', { min: 1 }),
  'sluice.connection.max.unsent.bytes': long(
    128 * MiB,
    'Response bytes that may wait for one client before its socket is no longer read.',
    { min: 1 }
  ),
  'sluice.disk.append.threads': int(
    2,
    'Disk threads that append, for each log folder: a disk that is slow or stuck holds up no other. The appends of one partition keep their order.',
    { min: 1, max: 64 }
  ),
  'sluice.disk.read.threads': int(8, 'Disk threads that read what is not in the page cache, for each log folder.', { min: 1, max: 64 }),
  'sluice.disk.flush.threads': int(
    4,
    'Disk threads that flush, for each log folder: file systems flush several files at once in less time.',
    { min: 1, max: 64 }
  ),
  'sluice.disk.maintenance.threads': int(1, 'Disk threads for compaction, deletion and index work, for each log folder.', {
    min: 1,
    max: 64
  }),
  'sluice.disk.queue.limit': int(
    65536,
    'Jobs that may wait for the threads of one kind and log folder. Beyond it a job fails, and the client is told to retry.',
    {
      min: 16
    }
  ),
  'sluice.disk.open.files': int(
    0,
    'Descriptors for segments, three each: beyond it the least recently used ones are closed, and opened again when they are needed. 0: two thirds of what the process may have open (ulimit -n), or all but 48 where that is less.',
    { min: 0 }
  ),
  'sluice.flush.background.bytes': long(
    64 * MiB,
    'Bytes of a partition after which it is flushed in the background, which bounds what a restart after a crash must check; 0: never.',
    { min: 0, change: 'cluster-wide' }
  ),
  'sluice.slow.request.ms': int(1000, 'A request that takes longer to handle, its waiting for records not counted, is logged; -1: none.', {
    min: -1,
    change: 'cluster-wide'
  }),
  'sluice.log.level': string('info', 'The least severe log lines that are written.', {
    oneOf: ['debug', 'info', 'warn', 'error', 'silent'],
    change: 'cluster-wide'
  }),
  'sluice.log.format': string('text', 'Log lines as text or as JSON.', { oneOf: ['text', 'json'] })
}
