/**
 * The load of `sluice calibrate`, in a process of its own so that its CPU time is not the broker's: every connection asks, takes the answer
 * whole without looking at it, and asks again. Arguments: port, connections. It ends with its connections.
 */
import net from 'node:net'

const REQUEST = Buffer.from([0, 0, 0, 1, 0])
const BUFFER_BYTES = 512 * 1024
const PREFIX_BYTES = 4

const [port, connections] = process.argv.slice(2).map(Number)
const buffer = Buffer.allocUnsafe(BUFFER_BYTES)

for (let i = 0; i < connections!; i++) ask()

function ask(): void {
  // Of the answer: how much of its length prefix is there, the prefix so far, and what is missing behind it.
  let prefixed = 0
  let length = 0
  let missing = 0
  const take = (bytes: number): boolean => {
    let at = 0
    for (; at < bytes && prefixed < PREFIX_BYTES; at++, prefixed++) missing = length = length * 256 + buffer[at]!
    missing -= bytes - at
    if (prefixed === PREFIX_BYTES && missing === 0) {
      prefixed = length = 0
      socket.write(REQUEST)
    }
    return true
  }
  const socket = net.connect({ host: '127.0.0.1', port: port!, noDelay: true, onread: { buffer, callback: take } })
  socket.on('connect', () => socket.write(REQUEST))
  socket.on('error', () => undefined)
}
