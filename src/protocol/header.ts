/** The headers before every request and response, and which version of them goes with a message. */
import { isFlexible, type Api } from './api.js'
import { int16, int32, message, string } from './schema.js'

/** In version 2 the client id keeps its 2-byte length: a broker must read it before it knows whether it knows the version. */
export const requestHeader = message({
  name: 'RequestHeader',
  versions: [1, 2],
  flexible: 2,
  fields: {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string({ nullable: 1, neverFlexible: true })
  }
})

export const responseHeader = message({
  name: 'ResponseHeader',
  versions: [0, 1],
  flexible: 1,
  fields: {
    correlationId: int32()
  }
})

const API_VERSIONS = 18

export function requestHeaderVersion(api: Api, apiVersion: number): number {
  return isFlexible(api.request, apiVersion) ? 2 : 1
}

/** ApiVersions is always answered with header version 0: the client may not know yet that we are flexible (KIP-511). */
export function responseHeaderVersion(api: Api, apiVersion: number): number {
  return api.key !== API_VERSIONS && isFlexible(api.response, apiVersion) ? 1 : 0
}
