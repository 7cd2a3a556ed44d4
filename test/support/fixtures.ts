/** Reads the fixtures under test/fixtures, wherever the compiled test runs. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'

const root = path.join(import.meta.dirname, '../../../test/fixtures')

export function fixturePath(name: string): string {
  return path.join(root, name)
}

/** The lines of a gzipped file of JSON lines. */
export function jsonLines<T>(name: string): T[] {
  return gunzipSync(readFileSync(fixturePath(name)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
