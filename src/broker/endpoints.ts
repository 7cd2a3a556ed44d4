/** Where clients of a listener find a broker. */
import type { MetadataImage } from '../metadata/image.js'

export interface ClientEndpoint {
  readonly host: string
  readonly port: number
}

/** A client is told the addresses of the listener that it came in by; undefined: the broker has no such listener. */
export function endpointOf(image: MetadataImage, brokerId: number, listenerName: string): ClientEndpoint | undefined {
  return image.broker(brokerId)?.endpoints.find(({ name }) => name === listenerName)
}
