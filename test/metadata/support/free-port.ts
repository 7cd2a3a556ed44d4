/** Two neighbouring ports of 127.0.0.1 that are free now; returns the first. */
import net from 'node:net'
import { once } from 'node:events'

export async function freePort(): Promise<number> {
  for (;;) {
    const first = await listen(0)
    const { port } = first.address() as net.AddressInfo
    const second = await listen(port + 1).catch(() => undefined)
    await close(first)
    if (!second) continue
    await close(second)
    return port
  }
}

async function listen(port: number): Promise<net.Server> {
  const server = net.createServer()
  server.listen(port, '127.0.0.1')
  await Promise.race([once(server, 'listening'), once(server, 'error').then(([error]) => Promise.reject(error as Error))])
  return server
}

async function close(server: net.Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
