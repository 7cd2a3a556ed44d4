/** Whole frames that a real broker 4.3.1 exchanged with Apache Kafka's client: decoded, and encoded to the same bytes. */
import test from 'ava'
import { decode, encode } from '../../src/protocol/compile.js'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from '../../src/protocol/header.js'
import { apis } from '../../src/protocol/messages/index.js'
import { Reader } from '../../src/protocol/reader.js'
import { Writer } from '../../src/protocol/writer.js'
import type { MessageSchema } from '../../src/protocol/schema.js'
import { jsonLines } from '../support/fixtures.js'

interface Exchange {
  step: number
  api: string
  version: number
  request: string
  response?: string
  responseVersion?: number
}

const byName = new Map([...apis.values()].map((api) => [api.name, api]))

function again(frame: string, header: MessageSchema, headerVersion: number, body: MessageSchema, version: number): string {
  const reader = new Reader(Buffer.from(frame, 'hex'))
  const writer = new Writer()
  writer.int32(reader.int32())
  encode(header, headerVersion, writer, decode(header, headerVersion, reader, 'exact'))
  encode(body, version, writer, decode(body, version, reader, 'exact'))
  return writer.toBuffer().toString('hex') + '?'.repeat(reader.remaining)
}

test('recorded exchanges are decoded and encoded bit for bit', (t) => {
  const exchanges = jsonLines<Exchange>('onwire/exchanges-4.3.1.jsonl.gz')
  let frames = 0
  for (const { step, api: name, version, request, response, responseVersion } of exchanges) {
    const api = byName.get(name)
    if (api === undefined || version < api.request.versions[0] || version > api.request.versions[1]) continue
    const where = `step ${step}: ${name} version ${version}`
    t.is(again(request, requestHeader, requestHeaderVersion(api, version), api.request, version), request, where)
    frames++
    if (response === undefined) continue
    const answered = responseVersion ?? version
    t.is(again(response, responseHeader, responseHeaderVersion(api, answered), api.response, answered), response, where)
    frames++
  }
  t.true(frames > 700)
  t.log(`${frames} frames of ${exchanges.length} exchanges`)
})
