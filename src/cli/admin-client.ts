/** The one request that the command line makes of a running broker over its listener: IncrementalAlterConfigs. */
import { once } from 'node:events'
import net from 'node:net'
import { ResourceType } from '../metadata/config-image.js'
import { decode, encode } from '../protocol/compile.js'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from '../protocol/header.js'
import { incrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.js'
import { Reader } from '../protocol/reader.js'
import { Writer } from '../protocol/writer.js'

const VERSION = 1
const OPERATION_SET = 0
const PATIENCE_MS = 10_000
const LONGEST_ANSWER = 1024 * 1024

/** Sets settings of one broker while it runs, all or none. Rejects with one sentence when it is not reached, or refuses. */
export async function alterBrokerSettings(
  { host, port }: { host: string; port: number },
  nodeId: number,
  settings: Readonly<Record<string, string>>
): Promise<void> {
  const where = `the broker at ${host}:${port}`
  const writer = new Writer()
  writer.int32(0)
  const header = { requestApiKey: incrementalAlterConfigs.key, requestApiVersion: VERSION, correlationId: 1, clientId: 'sluice' }
  encode(requestHeader, requestHeaderVersion(incrementalAlterConfigs, VERSION), writer, header)
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: OPERATION_SET, value }))
  const resources = [{ resourceType: ResourceType.broker, resourceName: String(nodeId), configs }]
  encode(incrementalAlterConfigs.request, VERSION, writer, { resources, validateOnly: false })
  writer.patchInt32(0, writer.totalLength - 4)
  const reader = new Reader(await exchange(host, port, writer.toBuffer(), where))
  decode(responseHeader, responseHeaderVersion(incrementalAlterConfigs, VERSION), reader)
  const [answer] = decode(incrementalAlterConfigs.response, VERSION, reader).responses
  if (answer === undefined || answer.errorCode !== 0) {
    throw new Error(`${where} refuses: ${answer?.errorMessage ?? `error ${answer?.errorCode}`}`)
  }
}

async function exchange(host: string, port: number, request: Uint8Array, where: string): Promise<Buffer> {
  const socket = net.connect({ host, port })
  const late = setTimeout(() => socket.destroy(new Error('it does not answer')), PATIENCE_MS)
  try {
    await once(socket, 'connect')
    socket.write(request)
    let received: Buffer = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk])
      const length = received.length >= 4 ? received.readInt32BE(0) : 0
      if (length < 0 || length > LONGEST_ANSWER) throw new Error('it does not answer as a broker does')
      if (received.length >= 4 && received.length >= 4 + length) return received.subarray(4, 4 + length)
    }
    throw new Error('it closed the connection')
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
  } finally {
    clearTimeout(late)
    socket.destroy()
  }
}
