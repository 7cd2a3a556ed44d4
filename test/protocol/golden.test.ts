/** Every message and version against bytes that Apache Kafka's own client library wrote. */
import test from 'ava'
import { decode, encode } from '../../src/protocol/compile.js'
import { requestHeader, responseHeader } from '../../src/protocol/header.js'
import { apis } from '../../src/protocol/messages/index.js'
import { Reader } from '../../src/protocol/reader.js'
import { Writer } from '../../src/protocol/writer.js'
import type { MessageSchema } from '../../src/protocol/schema.js'
import { recordSchemas } from '../support/record-schemas.js'
import { jsonLines } from '../support/fixtures.js'
import { fromJson, toJson } from '../support/schema-json.js'

interface Line {
  name: string
  kind: string
  apiKey?: number
  version: number
  variant: string
  hex: string
  json: Record<string, unknown>
}

const schemas = new Map<string, MessageSchema>()
for (const schema of [requestHeader, responseHeader, ...recordSchemas]) schemas.set(schema.name, schema)
for (const api of apis.values()) for (const schema of [api.request, api.response]) schemas.set(schema.name, schema)

function prove(line: Line): string | undefined {
  const schema = schemas.get(line.name)
  if (schema === undefined) return 'no such schema'
  const where = `${line.name} v${line.version} ${line.variant}`
  const bytes = Buffer.from(line.hex, 'hex')
  const reader = new Reader(bytes)
  const value = decode(schema, line.version, reader, 'exact') as Record<string, unknown>
  if (reader.remaining > 0) return `${where}: ${reader.remaining} bytes are left`
  // The golden text leaves out tagged fields that were not sent; that ours hold their defaults is proven by encoding them again.
  const text = JSON.stringify(inShapeOf(toJson(schema.fields, value, line.version), line.json))
  if (text !== JSON.stringify(line.json)) return `${where}: decoded ${text}, not ${JSON.stringify(line.json)}`
  if (line.variant === 'unknownTags') return undefined
  for (const input of [value, fromJson(schema.fields, line.json)]) {
    const writer = new Writer()
    encode(schema, line.version, writer, input as never)
    const hex = writer.toBuffer().toString('hex')
    if (hex !== line.hex) return `${where}: encoded ${hex}, not ${line.hex}`
  }
  return undefined
}

/** The keys of the golden text, in its order. */
function inShapeOf(value: unknown, like: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(like)) return value.map((each, at) => inShapeOf(each, like[at]))
  if (value === null || like === null || typeof value !== 'object' || typeof like !== 'object') return value
  const given = value as Record<string, unknown>
  return Object.fromEntries(Object.entries(like).map(([key, inner]) => [key, inShapeOf(given[key], inner)]))
}

for (const [file, count] of [
  ['api', 2236],
  ['records', 441]
] as const) {
  test(`${file}: every line is decoded and encoded bit for bit`, (t) => {
    const lines = jsonLines<Line>(`onwire/${file}.jsonl.gz`)
    const failures = lines.map(prove).filter((failure) => failure !== undefined)
    t.is(failures.length, 0, failures.slice(0, 3).join('\n'))
    t.is(lines.length, count)
    t.log(`${lines.length} golden lines of ${file}`)
  })
}
