// `npm test`: builds, runs the tests in TypeScript and in C++, and ends with one line `N passed, N failed[, N skipped]`.
// `npm test -- test/config/values.test.ts` runs single files of the former.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build, root } from './build.mjs'

const COUNTS = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/
const files = process.argv.slice(2)

build({ tests: true })
const results = [await ava(files)]
if (files.length === 0) results.push(await nativeTests())
const sum = (key) => results.reduce((total, result) => total + result[key], 0)
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`)
process.exitCode = sum('failed') === 0 && results.every(({ code }) => code === 0) ? 0 : 1

async function ava(args) {
  const { code, lines } = await runAndShow(
    process.execPath,
    [join(root, 'node_modules/ava/entrypoints/cli.mjs'), '--tap', ...args],
    showTap
  )
  const count = (word) => Number(lines.findLast((line) => line.startsWith(`# ${word} `))?.split(' ')[2] ?? 0)
  const skipped = lines.filter((line) => /^ok \d+ - .* # SKIP$/.test(line)).length
  const failed = Math.max(count('fail'), lines.filter((line) => line.startsWith('not ok ')).length)
  // A run that ends badly without a failed test (a crash, nothing found) is a failure too.
  return { code, skipped, passed: count('pass'), failed: failed === 0 && code !== 0 ? 1 : failed }
}

async function nativeTests() {
  const script = join(root, 'scripts/native-tests.mjs')
  if (!existsSync(script)) return { code: 0, passed: 0, failed: 0, skipped: 0 }
  const { code, lines } = await runAndShow(process.execPath, [script], (line) => (COUNTS.test(line) ? '' : `${line}\n`))
  const [, passed = 0, failed = 0, skipped = 0] = (lines.findLast((line) => COUNTS.test(line))?.match(COUNTS) ?? []).map((text) =>
    Number(text ?? 0)
  )
  return { code, passed, skipped, failed: failed === 0 && code !== 0 ? 1 : failed }
}

/** Test by test, without the plumbing of TAP. */
function showTap(line) {
  if (/^(TAP version|1\.\.|# |$)/.test(line)) return ''
  if (/^ok \d+ - .* # SKIP$/.test(line)) return `  ${line.replace(/^ok \d+ - /, 'skipped: ').replace(/ # SKIP$/, '')}\n`
  if (/^ok \d+ - /.test(line)) return `  ${line.replace(/^ok \d+ - /, 'ok ')}\n`
  if (/^not ok \d+ - /.test(line)) return `  ${line.replace(/^not ok \d+ - /, 'FAILED: ')}\n`
  return `${line}\n`
}

function runAndShow(command, args, show) {
  return new Promise((resolve) => {
    const lines = []
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let rest = ''
    const take = (line) => {
      lines.push(line)
      process.stdout.write(show(line))
    }
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop()
      for (const part of parts) take(part)
    })
    child.on('close', (code) => {
      if (rest !== '') take(rest)
      resolve({ code: code ?? 1, lines })
    })
  })
}
