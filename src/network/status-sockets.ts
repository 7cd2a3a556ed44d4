/**
 * How `sluice status` reaches a running broker: a Unix domain socket in each of its log folders. Whoever connects gets one line of JSON and
 * the end; nothing that is sent is ever read. So it costs nothing while nobody asks, takes no port, and who may ask is told by the file.
 */
import { chmod, open, rename, rm, type FileHandle } from 'node:fs/promises'
import net from 'node:net'
import { once } from 'node:events'
import path from 'node:path'
import type { Logger } from '../log.js'

/** In a log folder. It stays behind when a process is killed; the next broker of the folder replaces it. */
export const STATUS_SOCKET = '.sluice.sock'

/** sockaddr_un has room for so many bytes and a zero. */
const LONGEST_SOCKET_PATH = 107
const MOST_READERS = 16
const READER_PATIENCE_MS = 5000

/** A path of the socket that is short enough for the system, and what must stay open as long as it is used. */
export async function shortSocketPath(dir: string, name: string): Promise<{ path: string; folder: FileHandle | undefined }> {
  const plain = path.join(dir, name)
  if (Buffer.byteLength(plain) <= LONGEST_SOCKET_PATH) return { path: plain, folder: undefined }
  const folder = await open(dir, 'r')
  return { path: `/proc/self/fd/${folder.fd}/${name}`, folder }
}

interface Place {
  readonly server: net.Server
  readonly file: string
  readonly folder: FileHandle | undefined
  readonly readers: Set<net.Socket>
}

export class StatusSockets {
  readonly #places: readonly Place[]

  private constructor(places: readonly Place[]) {
    this.#places = places
  }

  /** The caller holds the locks of `dirs`. A folder that takes no socket (its file system, a full disk) costs a warning, not the start. */
  static async open(dirs: readonly string[], answer: () => string, log: Logger): Promise<StatusSockets> {
    const places: Place[] = []
    for (const dir of dirs) {
      try {
        places.push(await listen(dir, answer))
      } catch (error) {
        log.warn(`sluice status can not ask for this broker in ${dir}: ${(error as Error).message}`)
      }
    }
    return new StatusSockets(places)
  }

  async close(): Promise<void> {
    for (const { server, file, folder, readers } of this.#places) {
      await rm(file, { force: true }).catch(() => undefined)
      const closed = once(server, 'close')
      server.close()
      for (const reader of readers) reader.destroy()
      await closed
      await folder?.close()
    }
  }
}

async function listen(dir: string, answer: () => string): Promise<Place> {
  // Under a name of its own until nobody else may open it; then it takes the place of what a killed process left.
  const file = path.join(dir, STATUS_SOCKET)
  const early = `${STATUS_SOCKET}.new`
  await rm(path.join(dir, early), { force: true })
  const { path: address, folder } = await shortSocketPath(dir, early)
  const readers = new Set<net.Socket>()
  const server = net.createServer({ pauseOnConnect: true }, (reader) => {
    readers.add(reader)
    reader.on('close', () => readers.delete(reader))
    tell(reader, answer)
  })
  try {
    server.maxConnections = MOST_READERS
    server.listen({ path: address, exclusive: true })
    await once(server, 'listening')
    await chmod(path.join(dir, early), 0o600)
    await rename(path.join(dir, early), file)
  } catch (error) {
    server.close()
    await folder?.close()
    throw error
  }
  // Too many open files: that reader is not served, the next one may be.
  server.on('error', () => undefined)
  server.unref()
  return { server, file, folder, readers }
}

function tell(reader: net.Socket, answer: () => string): void {
  const patience = setTimeout(() => reader.destroy(), READER_PATIENCE_MS).unref()
  reader.on('error', () => undefined)
  reader.on('close', () => clearTimeout(patience))
  reader.unref()
  // Once it is all in the reader's hands, what he may have sent is of no interest.
  reader.end(`${answer()}\n`, () => reader.destroy())
}
