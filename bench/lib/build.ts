/** Compiles the C++ programs of the benchmarks, once for each state of their sources, into .cache/bench-native. */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

/** The folder of the project. */
export const projectRoot = path.resolve(import.meta.dirname, '../../..')

const CACHE = path.join(projectRoot, '.cache', 'bench-native')
const FLAGS = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread']
const COMPILE_LIMIT_MS = 300_000
const execute = promisify(execFile)

/** No compiler, or the sources do not compile: one line for people, the compiler's words in `cause`. */
export class BuildError extends Error {
  override readonly name = 'BuildError'
}

const builds = new Map<string, Promise<string>>()

/**
 * Path of an up-to-date program, compiled when a source, a header or the compiler's name changed. Several callers share one compilation.
 * `sources` are files and folders relative to the project; a folder stands for its `.cc` files. Headers count wherever they lie beside a source.
 * Rejects with BuildError.
 */
export function buildProgram(name: string, sources: readonly string[]): Promise<string> {
  const known = builds.get(name)
  if (known) return known
  const build = compile(name, sources)
  builds.set(name, build)
  // Whoever repairs the machine may try again in the same process.
  build.catch(() => builds.delete(name))
  return build
}

/** The load generator (bench/native, and the project's own CRC-32C). */
export function buildLoad(): Promise<string> {
  return buildProgram('load', ['bench/native/load', 'native/crc32c.cc'])
}

async function compile(name: string, sources: readonly string[]): Promise<string> {
  const compiler = process.env['CXX'] ?? 'g++'
  const files = await sourceFiles(sources)
  const texts = await Promise.all(files.map((file) => readFile(path.join(projectRoot, file))))
  const digestOf = (wanted: (file: string) => boolean) => {
    const digest = createHash('sha256').update([compiler, ...FLAGS].join(' '))
    for (const [at, file] of files.entries()) if (wanted(file)) digest.update(file).update(texts[at]!)
    return digest.digest('hex').slice(0, 16)
  }
  const program = path.join(CACHE, `${name}-${digestOf(() => true)}`)
  if (existsSync(program)) return program
  await mkdir(CACHE, { recursive: true })
  try {
    const objects = await inParallel(
      files.filter((file) => file.endsWith('.cc')),
      async (source) => {
        const digest = digestOf((file) => file === source || file.endsWith('.h'))
        const object = path.join(CACHE, `${path.basename(source, '.cc')}-${digest}.o`)
        if (!existsSync(object)) await produce(object, compiler, (output) => [...FLAGS, '-c', source, '-o', output])
        return object
      }
    )
    await produce(program, compiler, (output) => [...FLAGS, ...objects, '-o', output])
  } catch (error) {
    throw buildError(name, compiler, error)
  }
  return program
}

/** Runs the compiler; its output gets its name when it is whole, because another process, or thread, may build the same. */
async function produce(output: string, compiler: string, args: (output: string) => string[]): Promise<void> {
  const unfinished = `${output}.${randomUUID()}`
  await execute(compiler, args(unfinished), { cwd: projectRoot, timeout: COMPILE_LIMIT_MS })
  await rename(unfinished, output)
}

/** As many at once as there are CPUs. Rejects with the first error, when all that was begun is over. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  const settled = await Promise.allSettled(Array.from({ length: os.availableParallelism() }, worker))
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return results
}

function buildError(name: string, compiler: string, error: unknown): BuildError {
  const { code, syscall, stderr } = error as { code?: unknown; syscall?: string; stderr?: string }
  if (code === 'ENOENT' && syscall?.startsWith('spawn') === true)
    return new BuildError(`${name} is not built: there is no C++ compiler "${compiler}" (CXX names another)`)
  const reason = (stderr ?? '').split('\n').find((line) => line.includes('error')) ?? String(error)
  return new BuildError(`${name} does not compile with ${compiler}: ${reason.trim()}`, { cause: error })
}

/** The sources, and the headers in their folders. */
async function sourceFiles(sources: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const source of sources) {
    const folder = source.endsWith('.cc') ? path.dirname(source) : source
    for (const entry of await readdir(path.join(projectRoot, folder))) {
      if (entry.endsWith('.h') || (folder === source && entry.endsWith('.cc'))) found.add(path.join(folder, entry))
    }
    if (source.endsWith('.cc')) found.add(source)
  }
  return [...found].sort()
}
