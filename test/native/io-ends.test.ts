/** Ends of processes, workers and connections in the middle of something: in a child process, which counts its descriptors, threads and memory. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

function child(scenario: string): Promise<Outcome> {
  // Who ends in the middle leaves its files behind.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-ends-'))
  return new Promise((resolve) => {
    const started = spawn(process.execPath, [fileURLToPath(new URL('io-child.js', import.meta.url)), scenario], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder }
    })
    let output = ''
    started.stdout.on('data', (data: Buffer) => (output += data.toString()))
    started.stderr.on('data', (data: Buffer) => (output += data.toString()))
    started.on('close', (code, signal) => {
      rmSync(folder, { recursive: true })
      resolve({ code, signal, output })
    })
  })
}

for (const [scenario, about] of Object.entries({
  exit: 'process.exit in the middle of a transfer is clean',
  throw: 'an exception nobody catches ends the process as always',
  worker: 'a worker terminated in the middle of a fetch leaves no descriptor, thread or memory behind',
  churn: '10,000 connections opened and dropped leave nothing behind',
  wake: 'an exception in a handler of events is an uncaught exception, and the runtime goes on'
})) {
  test(about, async (t) => {
    const { code, signal, output } = await child(scenario)
    t.is(signal, null, output)
    t.is(code, scenario === 'exit' ? 7 : scenario === 'throw' ? 1 : 0, output)
    if (scenario === 'throw') t.regex(output, /planned/)
    else t.regex(output, /done/)
  })
}
