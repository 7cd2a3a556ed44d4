/**
 * The other end of the suite `handover`, in a thread of its own: takes what connections send, and after every `expected` bytes answers with a
 * frame of four bytes: the CRC-32C of those bytes when it is asked to compute one, else zeros.
 */
import net from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { crc32c } from '../../src/record/crc32c.js'

/** Asks for one connection. */
export interface DrainRequest {
  readonly port: number
  readonly expected: number
  readonly checked: boolean
}

/** `workerData` of the thread. */
export const DRAIN = 'drain'
export const ANSWER_BYTES = 8
const RECEIVE_BYTES = 256 * 1024

function drain({ port, expected, checked }: DrainRequest): void {
  const answer = Buffer.alloc(ANSWER_BYTES)
  answer.writeInt32BE(ANSWER_BYTES - 4)
  let missing = expected
  let crc = 0
  const take = (count: number, bytes: Uint8Array): boolean => {
    for (let at = 0; at < count;) {
      const part = Math.min(count - at, missing)
      if (checked) crc = crc32c(bytes.subarray(at, at + part), crc)
      at += part
      missing -= part
      if (missing > 0) continue
      answer.writeUInt32BE(crc, 4)
      socket.write(Buffer.from(answer))
      missing = expected
      crc = 0
    }
    return true
  }
  // One buffer for all that arrives: the receiver should cost as little as it can.
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: Buffer.alloc(RECEIVE_BYTES), callback: take } })
  // Each side ends by closing; nobody is left to tell.
  socket.on('error', () => socket.destroy())
}

if (workerData === DRAIN) parentPort?.on('message', drain)
