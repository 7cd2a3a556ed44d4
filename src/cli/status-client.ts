/** Asks a running broker of this machine for its status, through the socket in its log folder. */
import { once } from 'node:events'
import { statSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import type { BrokerStatus } from '../broker/status.js'
import { shortSocketPath, STATUS_SOCKET } from '../network/status-sockets.js'
import { readMetaProperties } from '../storage/meta-properties.js'

/** One sentence that tells why there is no status. */
export class NoStatus extends Error {
  override readonly name = 'NoStatus'
}

const PATIENCE_MS = 5000
const LONGEST_STATUS = 64 * 1024 * 1024
const SCHEMA = 1

/** The status of the broker that serves one of the folders, the first that answers. Throws NoStatus with the reason of the first. */
export async function readStatus(dirs: readonly string[]): Promise<BrokerStatus> {
  let first: unknown
  for (const dir of dirs) {
    try {
      return await statusOf(path.resolve(dir))
    } catch (error) {
      first ??= error
    }
  }
  throw first
}

async function statusOf(dir: string): Promise<BrokerStatus> {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new NoStatus(`there is no folder ${dir}: name the data folder with --dir`)
  const meta = await readMetaProperties(dir)
  if (meta === undefined) throw new NoStatus(`${dir} is no data folder: it holds no meta.properties`)
  const status = parse(await readAll(dir), dir)
  // A folder that was moved or copied while its broker ran: its socket leads to a broker that no longer means this folder.
  const known = status.dirs.some(({ directoryId }) => directoryId === meta.directoryId)
  if (!known || status.clusterId !== meta.clusterId || status.nodeId !== meta.nodeId) {
    throw new NoStatus(
      `the broker that answers in ${dir} is node ${status.nodeId} of cluster ${status.clusterId}, not the one of this folder`
    )
  }
  return status
}

async function readAll(dir: string): Promise<string> {
  const { path: address, folder } = await shortSocketPath(dir, STATUS_SOCKET)
  const socket = net.connect({ path: address })
  const late = setTimeout(() => socket.destroy(new NoStatus(`the broker of ${dir} does not answer`)), PATIENCE_MS)
  try {
    await once(socket, 'connect')
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > LONGEST_STATUS) throw new NoStatus(`what answers in ${dir} is no broker of this version`)
    }
    return Buffer.concat(chunks).toString('utf8')
  } catch (error) {
    throw error instanceof NoStatus ? error : new NoStatus(whyNot(error as NodeJS.ErrnoException, dir))
  } finally {
    clearTimeout(late)
    socket.destroy()
    await folder?.close()
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException, dir: string): string {
  const socket = path.join(dir, STATUS_SOCKET)
  if (code === 'ENOENT') return `no broker serves ${dir}, or one that is no Sluice: there is no ${socket}`
  if (code === 'ECONNREFUSED') return `no broker serves ${dir}: the last one was killed and left ${socket}`
  if (code === 'ENOTSOCK') return `${socket} is no socket`
  if (code === 'EACCES' || code === 'EPERM') return `${socket}: no permission; ask as the user that runs the broker`
  if (code === 'EAGAIN') return `too many ask the broker of ${dir} at once: try again`
  return `${socket}: ${message}`
}

function parse(text: string, dir: string): BrokerStatus {
  if (text === '') throw new NoStatus(`the broker of ${dir} is busy or stopping: try again`)
  let status: BrokerStatus | null
  try {
    status = JSON.parse(text) as BrokerStatus | null
  } catch {
    status = null
  }
  if (status === null || typeof status !== 'object' || status.schema !== SCHEMA) {
    throw new NoStatus(`the broker of ${dir} answers in a form that this version does not know`)
  }
  return status
}
