/**
 * Builds and runs the native tests (native/test/*_test.cc) against native/*.cc, without Node: plain, with AddressSanitizer + UBSan, and with
 * ThreadSanitizer. Prints one line per test. The planted programs (native/test/planted_*.cc) must make their sanitizer fail: a test of the test.
 *
 *   node scripts/native-tests.mjs [plain] [asan] [tsan] [name…]     default: all variants, all tests
 *
 * Objects are kept in .cache/native-tests and compiled anew when a source or any header is newer.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = path.join(root, '.cache', 'native-tests')
const compiler = process.env['CXX'] ?? 'g++'
const common = ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers', '-Wno-restrict', '-pthread', '-g']
const RUN_LIMIT_MS = 120_000

const variants = {
  plain: { flags: ['-O2'], env: {}, planted: {} },
  asan: {
    flags: ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
    env: { ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0', UBSAN_OPTIONS: 'print_stacktrace=1' },
    planted: { planted_leak: /LeakSanitizer: detected memory leaks/, planted_overflow: /AddressSanitizer: heap-buffer-overflow/ }
  },
  tsan: {
    // ThreadSanitizer does not model stand-alone fences; GCC says so at each.
    flags: ['-O1', '-fsanitize=thread', '-fno-omit-frame-pointer', '-Wno-tsan'],
    env: { TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1' },
    planted: { planted_race: /ThreadSanitizer: data race/ }
  }
}

function list(folder, pattern) {
  return readdirSync(path.join(root, folder))
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => path.join(root, folder, name))
}

const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Runs a program; resolves to its exit code (null after a signal) and all it printed. */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: RUN_LIMIT_MS,
      killSignal: 'SIGKILL',
      ...options
    })
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    child.on('error', (error) => resolve({ code: -1, output: String(error) }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

/** Runs jobs, as many at once as there are CPUs. */
async function inParallel(jobs) {
  const queue = [...jobs]
  await Promise.all(
    Array.from({ length: os.availableParallelism() }, async () => {
      for (let job = queue.shift(); job; job = queue.shift()) await job()
    })
  )
}

async function build(args, target) {
  const { code, output } = await run(compiler, args, { timeout: 600_000 })
  if (code !== 0) throw new Error(`${path.relative(root, target)} does not build:\n${output}`)
}

async function testVariant(name, wanted, report) {
  const variant = variants[name]
  const folder = path.join(cache, name)
  mkdirSync(folder, { recursive: true })
  const newestHeader = Math.max(...[...list('native', /\.h$/), ...list('native/test', /\.h$/)].map(modified))
  const object = (source) => path.join(folder, `${path.basename(source, '.cc')}.o`)
  const stale = (source) => modified(object(source)) < Math.max(modified(source), newestHeader)
  const compile = (source) => build([...common, ...variant.flags, '-c', source, '-o', object(source)], object(source))
  const isWanted = (source) => wanted.length === 0 || wanted.some((each) => path.basename(source).startsWith(each))

  const library = list('native', /\.cc$/)
  const tests = list('native/test', /_test\.cc$/).filter(isWanted)
  const planted = list('native/test', /^planted_.*\.cc$/).filter(
    (source) => path.basename(source, '.cc') in variant.planted && isWanted(source)
  )
  await inParallel([...library, ...tests, ...planted].filter(stale).map((source) => () => compile(source)))

  const program = (source) => path.join(folder, path.basename(source, '.cc'))
  await inParallel(
    [...tests, ...planted].map((source) => () => {
      const objects = planted.includes(source) ? [object(source)] : [object(source), ...library.map(object)]
      if (modified(program(source)) > Math.max(...objects.map(modified))) return Promise.resolve()
      return build([...common, ...variant.flags, ...objects, '-o', program(source)], program(source))
    })
  )

  const env = { ...process.env, ...variant.env }
  for (const source of [...tests, ...planted]) {
    const test = path.basename(source, '.cc')
    const start = performance.now()
    const { code, output } = await run(program(source), [], { env })
    const expected = variant.planted[test]
    const passed = expected ? code !== 0 && expected.test(output) : code === 0
    const seconds = ((performance.now() - start) / 1000).toFixed(2)
    report(
      passed,
      `${passed ? 'ok    ' : 'not ok'} ${name.padEnd(5)} ${test} (${seconds} s)${expected ? (passed ? ' - found, as it must be' : ' - was not found') : ''}`,
      output
    )
  }
}

const names = process.argv.slice(2)
const chosen = Object.keys(variants).filter((name) => names.includes(name))
const wanted = names.filter((name) => !(name in variants))
let passes = 0
let failures = 0
for (const name of chosen.length > 0 ? chosen : Object.keys(variants)) {
  try {
    await testVariant(name, wanted, (passed, line, output) => {
      if (passed) passes++
      else failures++
      process.stdout.write(`${line}\n${passed ? '' : output}`)
    })
  } catch (error) {
    failures++
    process.stdout.write(`not ok ${name.padEnd(5)} ${error.message}\n`)
  }
}
process.stdout.write(`${passes} passed, ${failures} failed\n`)
process.exitCode = failures > 0 || passes === 0 ? 1 : 0
