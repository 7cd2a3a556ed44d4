/**
 * CRC-32C, which every record batch carries: the addon's (SSE 4.2, ARMv8 or portable), the table-driven one in TypeScript that a few
 * bytes get, and a package that has it. zlib's CRC-32 is another polynomial and stands here for scale only: it cannot check a batch.
 */
import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { loadAddon } from '../../src/native/load-addon.js'
import { crc32cByTables } from '../../src/record/crc32c.js'
import { randomBytes, type Comparison, type OpenSuite, type Subject, type Suite } from './suite.js'

type Crc = (bytes: Uint8Array) => number

const SIZES = [
  [100, '100 B'],
  [1024, '1 KiB'],
  [65_536, '64 KiB'],
  [1_048_576, '1 MiB']
] as const
const PACKAGE = '@node-rs/crc32'
/** Another polynomial: its values differ from those of the others. */
export const OTHER_POLYNOMIAL = 'zlib.crc32 (other polynomial)'

function open(): Promise<OpenSuite> {
  const addon = loadAddon()
  const leftOut: string[] = []
  const implementations: [string, Crc][] = [
    ['Sluice', (bytes) => addon.crc32c(bytes)],
    ['TypeScript', (bytes) => crc32cByTables(bytes)]
  ]
  const fromPackage = packaged()
  if (fromPackage === undefined) leftOut.push(`crc: the package ${PACKAGE} is not installed`)
  else implementations.push([PACKAGE, fromPackage])
  // Since Node 20.15 and 22.2.
  const ofZlib = (zlib as { crc32?: Crc }).crc32
  if (ofZlib === undefined) leftOut.push(`crc: Node ${process.version} has no zlib.crc32`)
  else implementations.push([OTHER_POLYNOMIAL, (bytes) => ofZlib(bytes)])
  const comparisons = SIZES.map(([bytes, name]): Comparison => {
    const data = randomBytes(bytes)
    const subjects = implementations.map(([who, crc]): Subject => ({ name: who, run: () => crc(data) }))
    return { group: 'CRC-32C', name, parameters: { bytes, implementation: addon.crc32cImplementation }, bytes, subjects }
  })
  return Promise.resolve({ comparisons, leftOut, close: () => Promise.resolve() })
}

/** It comes with a client that the tests use, not with this project. */
function packaged(): Crc | undefined {
  try {
    return (createRequire(import.meta.url)(PACKAGE) as { crc32c: Crc }).crc32c
  } catch {
    return undefined
  }
}

export default { name: 'crc', open } satisfies Suite
