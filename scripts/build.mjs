// Builds what is missing or stale: packages, the C++ addon, JavaScript from TypeScript. Used by start.mjs and test.mjs; alone: `npm run build`.
// What was built is remembered as a digest of the sizes and times of its sources, in .cache/.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(root, '.cache')
const lock = join(cache, 'build.lock')
const LOCK_POLL_MS = 100
const LOCK_PATIENCE_MS = 20 * 60_000

const packages = {
  stamp: 'packages',
  sources: ['package-lock.json'],
  product: 'node_modules/.package-lock.json',
  title: 'packages',
  alreadyDone: packagesMatchLock,
  build: () =>
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'Installing the packages failed. Is the npm registry reachable?')
}
const addon = {
  stamp: 'addon',
  sources: ['native', 'binding.gyp', 'package-lock.json'],
  product: 'build/Release',
  title: 'addon',
  build: buildAddon
}
const program = {
  stamp: 'program',
  sources: ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
  product: 'dist/src/cli/main.js',
  title: 'TypeScript',
  build: () => tsc('tsconfig.build.json')
}
const everything = {
  stamp: 'everything',
  sources: ['src', 'test', 'bench', 'tsconfig.json', 'package-lock.json'],
  product: 'dist/test',
  title: 'TypeScript with tests',
  build: () => tsc('tsconfig.json')
}
// The modules in a few files: to find and link hundreds of them takes Node longer than a broker takes to start.
const bundle = {
  stamp: 'bundle',
  sources: [...program.sources, 'scripts/build.mjs'],
  product: 'dist/bundle/sluice.js',
  title: 'bundle',
  build: bundleProgram
}

/** Builds what the broker needs, and with `tests` what the tests need. Ends the process with a clear message when it fails. */
export function build({ tests = false } = {}) {
  checkPlatform()
  const targets = [packages, addon, tests ? everything : program, bundle]
  if (targets.every(isFresh)) return
  takeLock()
  try {
    for (const target of targets) {
      if (isFresh(target)) continue
      const digest = digestOf(target)
      const begun = Date.now()
      process.stderr.write(`building: ${target.title} ...\n`)
      target.build()
      noteDone(target, digest)
      // The build with the tests holds the program as well.
      if (target === everything) noteDone(program, digestOf(program))
      process.stderr.write(`building: ${target.title} done in ${((Date.now() - begun) / 1000).toFixed(1)} s\n`)
    }
  } finally {
    rmSync(lock, { force: true })
  }
}

function checkPlatform() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node 20.19 or newer is needed, this is ${process.versions.node}.`)
  if (process.platform !== 'linux') fail(`Sluice runs on Linux, not on ${process.platform}.`)
}

function isFresh(target) {
  if (!existsSync(join(root, target.product))) return false
  const stamp = readIfThere(join(cache, target.stamp))
  if (stamp === digestOf(target)) return true
  if (!target.alreadyDone?.()) return false
  noteDone(target, digestOf(target))
  return true
}

function noteDone(target, digest) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, target.stamp), digest)
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Whether node_modules holds what the lock file wants: somebody may have called npm by hand. */
function packagesMatchLock() {
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(join(root, packages.product), 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (optional && !present[path]) || present[path]?.version === version
  )
}

function digestOf(target) {
  const hash = createHash('sha1')
  hash.update(`${process.arch} ${process.versions.modules}\n`)
  for (const source of target.sources) addPath(hash, source)
  return hash.digest('hex')
}

function addPath(hash, path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false })
  if (!stat) return
  if (!stat.isDirectory()) {
    hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`)
    return
  }
  for (const name of readdirSync(join(root, path)).sort()) addPath(hash, `${path}/${name}`)
}

function buildAddon() {
  if (!existsSync(join(root, 'binding.gyp'))) fail('binding.gyp is missing: this is not a whole checkout.')
  for (const [command, pack] of [
    ['python3', 'python3'],
    [process.env.CXX ?? 'g++', 'g++ (or set CXX)'],
    ['make', 'make']
  ]) {
    const probe = spawnSync(command, ['--version'], { stdio: 'ignore' })
    if (probe.error || probe.status !== 0)
      fail(`The C++ addon needs ${command}, which does not run here. Install ${pack}, on Debian: apt install g++ make python3`)
  }
  // Through npm, which tells node-gyp where the headers of this Node are.
  run('npm', ['run', '--silent', 'build:native'], 'Building the C++ addon failed: see the compiler output above.', { quiet: true })
}

function tsc(project) {
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], 'Compiling TypeScript failed: see above.')
}

/** What is imported or run by name, and what these have in common or do not always need. */
function bundleProgram() {
  const { buildSync } = createRequire(import.meta.url)('esbuild')
  const module = (name) => join(root, 'dist/src', name)
  const outdir = dirname(join(root, bundle.product))
  rmSync(outdir, { recursive: true, force: true })
  buildSync({
    entryPoints: {
      sluice: module('cli/main.js'),
      'calibrate-client': module('cli/calibrate-client.js'),
      'crash-child-main': module('cli/crash-child-main.js'),
      index: module('index.js'),
      storage: module('storage/index.js')
    },
    outdir,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'warning'
  })
}

/** Output goes to stderr: stdout belongs to the program that is started afterwards. `quiet`: only when it fails. */
function run(command, args, problem, { quiet = false } = {}) {
  const output = quiet ? 'pipe' : 2
  const env = { ...process.env, npm_config_loglevel: 'error', JOBS: process.env.JOBS ?? 'max' }
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', output, output],
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024
  })
  if (result.error) fail(`${problem} (${command}: ${result.error.message})`)
  if (result.status === 0) return
  if (quiet) process.stderr.write(`${result.stdout}${result.stderr}`)
  fail(problem)
}

function fail(message) {
  if (lockHolder() === process.pid) rmSync(lock, { force: true })
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

/** One build at a time in one folder. A lock whose process is gone does not count. */
function takeLock() {
  mkdirSync(cache, { recursive: true })
  const until = Date.now() + LOCK_PATIENCE_MS
  for (let told = false; ;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = lockHolder()
    if (holder === undefined) {
      rmSync(lock, { force: true })
      continue
    }
    if (Date.now() > until) {
      process.stderr.write(`Another build (pid ${holder}) has held ${lock} for too long.\n`)
      process.exit(1)
    }
    if (!told) process.stderr.write(`waiting for another build (pid ${holder}) ...\n`)
    told = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS)
  }
}

function lockHolder() {
  const text = readIfThere(lock)
  if (text === undefined) return undefined
  // Just created and not written yet: somebody holds it.
  if (text === '') return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 1000 ? 0 : undefined
  try {
    process.kill(Number(text), 0)
    return Number(text)
  } catch (error) {
    return error.code === 'EPERM' ? Number(text) : undefined
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build({ tests: process.argv.includes('--tests') })
