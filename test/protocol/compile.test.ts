/** The compiled codecs against the interpreter, and against bytes that are cut or changed. */
import test from 'ava'
import fc from 'fast-check'
import { WireError } from '../../src/errors.js'
import { decode, encode } from '../../src/protocol/compile.js'
import { apis } from '../../src/protocol/messages/index.js'
import { Reader } from '../../src/protocol/reader.js'
import { defaultOf, presence, type Field, type Fields, type MessageSchema } from '../../src/protocol/schema.js'
import { Writer } from '../../src/protocol/writer.js'
import { jsonLines } from '../support/fixtures.js'
import { recordSchemas } from '../support/record-schemas.js'
import { interpretEncode } from './interpreter.js'

const schemas: MessageSchema[] = [...[...apis.values()].flatMap((api) => [api.request, api.response]), ...recordSchemas]
const byName = new Map(schemas.map((schema) => [schema.name, schema]))

function values(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        presence(field, version).sent ? valueOf(field, version) : fc.constant(exactDefault(field))
      ])
    )
  )
}

/** The default with int64 as bigint, as the exact decoder gives it. */
function exactDefault(field: Field): unknown {
  const value = defaultOf(field)
  if (field.type === 'int64') return (value as number) >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value as number)
  if (field.type === 'struct' && value !== null)
    return Object.fromEntries(Object.entries(field.fields!).map(([name, inner]) => [name, exactDefault(inner)]))
  return value
}

function valueOf(field: Field, version: number): fc.Arbitrary<unknown> {
  const value = plainValueOf(field, version)
  return presence(field, version).nullable ? fc.option(value, { nil: null }) : value
}

function plainValueOf(field: Field, version: number): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'array':
      return fc.array(valueOf(field.of!, version), { maxLength: 3 })
    case 'struct':
      return values(field.fields!, version)
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -128, max: 127 })
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 })
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.integer({ min: 0, max: 2 ** 32 - 1 })
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 60 })
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  }
}

test('the compiled codecs agree with the interpreter, for every message and version', (t) => {
  let compared = 0
  for (const schema of schemas) {
    for (let version = schema.versions[0]; version <= schema.versions[1]; version++) {
      fc.assert(
        fc.property(values(schema.fields, version), (value) => {
          const writer = new Writer()
          encode(schema, version, writer, value as never)
          const bytes = writer.toBuffer()
          if (!bytes.equals(interpretEncode(schema, version, value))) return false
          const reader = new Reader(bytes)
          const again = new Writer()
          encode(schema, version, again, decode(schema, version, reader, 'exact') as never)
          compared++
          return reader.remaining === 0 && again.toBuffer().equals(bytes)
        }),
        { numRuns: 4, seed: 42 }
      )
    }
  }
  t.log(`${compared} messages compared`)
  t.pass()
})

const golden = jsonLines<{ name: string; version: number; variant: string; hex: string }>('onwire/api.jsonl.gz').filter(
  ({ name, variant }) => variant === 'full' && byName.has(name)
)

test('a message cut anywhere is refused', (t) => {
  let cuts = 0
  for (const { name, version, hex } of golden) {
    const bytes = Buffer.from(hex, 'hex')
    const step = Math.max(1, Math.floor(bytes.length / 64))
    for (let end = 0; end < bytes.length; end += step) {
      try {
        decode(byName.get(name)!, version, new Reader(bytes, 0, end))
        t.fail(`${name} version ${version} cut at ${end} was decoded`)
      } catch (error) {
        if (!(error instanceof WireError)) throw error
      }
      cuts++
    }
  }
  t.log(`${cuts} cuts`)
  t.pass()
})

test('a changed message is decoded or refused, and takes no memory that its size does not explain', (t) => {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return seed % below
  }
  const before = process.memoryUsage().heapUsed
  for (const { name, version, hex } of golden) {
    for (let round = 0; round < 6; round++) {
      const bytes = Buffer.from(hex, 'hex')
      for (let n = random(3); n >= 0; n--) bytes[random(bytes.length)] = [0, 0x7f, 0x80, 0xff, random(256)][random(5)]!
      try {
        decode(byName.get(name)!, version, new Reader(bytes))
      } catch (error) {
        if (!(error instanceof WireError)) throw error
      }
    }
  }
  t.true(process.memoryUsage().heapUsed - before < 256 * 1024 * 1024)
})

test('a count that the bytes cannot hold is refused before anything is allocated', (t) => {
  const metadata = byName.get('MetadataRequest')!
  const claim = Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2])
  t.throws(() => decode(metadata, 1, new Reader(claim)), { instanceOf: WireError, message: /array/ })
})

test('a field that a version lacks must hold its default, unless it may be ignored', (t) => {
  const fetch = byName.get('FetchRequest')!
  const request = { replicaId: -1, maxWaitMs: 1, minBytes: 1, topics: [], rackId: 'r' }
  t.notThrows(() => encode(fetch, 4, new Writer(), { ...request, sessionId: 5, rackId: 'ignored' } as never))
  t.throws(() => encode(fetch, 15, new Writer(), { ...request, replicaId: 7 } as never), { message: /cannot carry replicaId/ })
})
