/** Limits that every file keeps, as tests. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))
const MOST_LINES = 500

function filesBelow(folder: string, ends: readonly string[]): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ends.some((end) => entry.name.endsWith(end)))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
}

const text = (path: string): string => readFileSync(join(root, path), 'utf8')
const sources = filesBelow('src', ['.ts'])
const natives = filesBelow('native', ['.cc', '.h']).filter((path) => !path.startsWith('native/test/'))
const handlers = filesBelow('src/handlers', ['.ts']).filter((path) => /\/\d+-[a-z0-9-]+\.ts$/.test(path))

/** The files of which something is not so: a short list says more than the text of a file. */
function offenders(paths: readonly string[], isWrong: (content: string, path: string) => boolean): string[] {
  return paths.filter((path) => isWrong(text(path), path))
}

test('files stay small', (t) => {
  t.true(sources.length > 20)
  const tooLong = offenders([...sources, ...natives], (content) => content.split('\n').length > MOST_LINES)
  t.deepEqual(tooLong, [])
})

test('file names are kebab-case in TypeScript, snake_case in C++', (t) => {
  for (const path of sources) t.regex(path, /\/[a-z0-9]+(-[a-z0-9]+)*\.ts$/)
  for (const path of natives) t.regex(path, /\/[a-z0-9]+(_[a-z0-9]+)*\.(cc|h)$/)
})

test('every source file begins with what it is for', (t) => {
  t.deepEqual(
    offenders(sources, (content) => !/^(#!.*\n)?(\/\*\*|\/\/ )/.test(content)),
    []
  )
  const explained = natives.filter((path) => path.endsWith('.h') || !natives.includes(path.replace(/\.cc$/, '.h')))
  t.deepEqual(
    offenders(explained, (content) => !/^(#pragma once\n+)?(\/\*|\/\/ )/.test(content)),
    []
  )
})

test('nothing unfinished, nothing printed past the log', (t) => {
  t.deepEqual(
    offenders([...sources, ...natives], (content) => /\b(TODO|FIXME|XXX|HACK)\b|\bconsole\./.test(content)),
    []
  )
})

test('only the command line reads or ends the process', (t) => {
  const library = sources.filter((path) => !path.startsWith('src/cli/'))
  const reads = /process\.(exit|exitCode|argv|env|stdout|stderr|stdin|cwd|chdir|kill)\b/
  t.deepEqual(
    offenders(library, (content) => reads.test(content)),
    []
  )
})

test('every handler is named after its API key and tells its versions', (t) => {
  t.deepEqual(
    offenders(handlers, (content) => !/Version notes:[\s\S]*minVersion: \d+,\s*maxVersion: \d+/.test(content)),
    []
  )
  t.deepEqual(
    handlers.filter((path) => !existsSync(join(root, path.replace('src/handlers/', 'src/protocol/messages/')))),
    []
  )
})

test('every dependency is explained in ARCHITECTURE.md', (t) => {
  const { dependencies, devDependencies } = JSON.parse(text('package.json')) as Record<string, Record<string, string>>
  const architecture = text('ARCHITECTURE.md')
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) t.true(architecture.includes(`\`${name}\``), name)
})

test('every folder of the source is on the map', (t) => {
  const architecture = text('ARCHITECTURE.md')
  for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true })) {
    if (entry.isDirectory()) t.true(architecture.includes(`${entry.name}/`), entry.name)
  }
})

test('the documents are made from the tables as they are now: npm run docs', async (t) => {
  const docs = (await import(pathToFileURL(join(root, 'scripts/docs.mjs')).href)) as Record<
    'configurationPage' | 'readmeText',
    () => Promise<string>
  >
  t.true((await docs.configurationPage()) === text('docs/configuration.md'), 'run: npm run docs')
  t.true((await docs.readmeText()) === text('README.md'), 'run: npm run docs')
})

test('what is built or measured is not committed', (t) => {
  if (!existsSync(join(root, '.git'))) {
    t.pass()
    return
  }
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n')
  t.deepEqual(
    tracked.filter((path) => /^(dist|build|node_modules|data|\.cache)\//.test(path)),
    []
  )
})
