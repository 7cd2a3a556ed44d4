/** `sluice calibrate`: what it makes of measurements, and short runs of it, alone and with a broker that is to use what was found. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { alterBrokerSettings } from '../../src/cli/admin-client.js'
import { calibrationText } from '../../src/cli/calibrate-command.js'
import { COPY_SETTING, INLINE_SETTING, type Calibration } from '../../src/cli/calibrate.js'
import { compare, quantile, threshold, type Compared } from '../../src/cli/calibrate-verdict.js'
import { Broker } from '../../src/index.js'
import { root, run } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MAIN = path.join(root, 'dist/src/cli/main.js')
const KiB = 1024

/** A clear result at each size: below 1 the first way is cheaper. */
function sizes(...ratios: readonly (readonly [number, number])[]): Compared[] {
  return ratios.map(([kib, ratio]) => compare({ bytes: kib * KiB, first: [ratio, ratio, ratio], second: [1, 1, 1] }))
}

test('a comparison is clear when the middle half of the rounds agrees and the difference is worth a word', (t) => {
  const winner = (first: number[]): string => compare({ bytes: 1, first, second: first.map(() => 1) }).winner
  t.is(winner([0.8, 0.82, 0.79, 0.9, 0.81]), 'first')
  t.is(winner([1.2, 1.3, 1.25, 0.9, 1.22]), 'second')
  t.is(winner([0.7, 1.3, 0.9, 1.1, 1.05]), 'noise')
  t.is(winner([0.99, 0.98, 0.985, 0.99, 0.98]), 'noise')
  t.deepEqual(
    [0, 0.25, 0.5, 1].map((part) => quantile([4, 1, 3, 2], part)),
    [1, 1.75, 2.5, 4]
  )
})

test('the default stays unless clear results speak against it', (t) => {
  const verdict = (...ratios: readonly (readonly [number, number])[]): unknown[] => {
    const found = threshold(sizes(...ratios), 32 * KiB, 256 * KiB)
    return [found.bytes / KiB, found.verdict]
  }
  t.deepEqual(verdict([8, 0.8], [16, 0.9], [32, 1.1], [64, 1.3]), [32, 'confirmed'])
  t.deepEqual(verdict([8, 1], [16, 1.01], [32, 0.99], [64, 1]), [32, 'noise'])
  t.deepEqual(verdict([8, 0.7], [16, 0.8], [32, 0.8], [64, 0.8], [128, 1.2]), [128, 'moved'])
  t.deepEqual(verdict([8, 1.2], [16, 1.3], [32, 1.3], [64, 1.4]), [8, 'moved'])
  t.deepEqual(verdict([8, 0.7], [16, 0.7], [32, 0.7], [64, 0.7]), [256, 'moved'])
  // One odd size does not outweigh what lies on both sides of it.
  t.deepEqual(verdict([8, 0.7], [16, 0.7], [32, 1.2], [64, 0.95], [128, 1.3]), [32, 'noise'])
})

async function calibration(...args: string[]): Promise<Calibration> {
  const { code, stdout, stderr } = await run(process.execPath, [MAIN, 'calibrate', '--seconds', '1', '--json', ...args])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Calibration
}

test('a short run: every size in every round, settings that a broker takes, and nothing left behind', async (t) => {
  const temp = await tempDir(t)
  const found = await calibration('--temp', temp)
  t.is(found.schema, 1)
  t.true(found.copy.sizes.length >= 8 && found.inline.sizes.length >= 8)
  for (const { first, second, ratio } of [...found.copy.sizes, ...found.inline.sizes]) {
    t.true(first > 0 && second > 0 && ratio.low <= ratio.median && ratio.median <= ratio.high)
  }
  const copy = Number(found.settings[COPY_SETTING])
  t.true(copy >= 0 && copy <= 256 * KiB)
  t.deepEqual(readdirSync(temp), [])
  const broker = await Broker.start({ settings: found.settings })
  t.is(broker.status().transfer.copyBelowBytes, copy)
  await broker.stop()
  const text = calibrationText(found)
  t.true(text.endsWith(`${COPY_SETTING}=${copy}\n${INLINE_SETTING}=${found.settings[INLINE_SETTING]}\n`))
})

test('--apply: the running broker uses what was found; without one nothing is measured', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  const early = await run(process.execPath, [MAIN, 'calibrate', '--apply', '--dir', dir])
  t.deepEqual([early.code, early.stdout], [1, ''])
  t.regex(early.stderr, /^sluice: there is no folder/)
  const broker = await Broker.start({ dir, settings: { [COPY_SETTING]: '1', [INLINE_SETTING]: '1' } })
  t.teardown(() => broker.stop())
  const { settings } = await calibration('--apply', '--dir', dir)
  const { copyBelowBytes, inlineBelowBytes } = broker.status().transfer
  t.deepEqual([String(copyBelowBytes), String(inlineBelowBytes)], [settings[COPY_SETTING], settings[INLINE_SETTING]])
})

test('a broker that refuses, answers nonsense, or goes away: one sentence', async (t) => {
  const broker = await Broker.start()
  t.teardown(() => broker.stop())
  const { nodeId } = broker.status()
  await t.throwsAsync(alterBrokerSettings(broker, nodeId, { [COPY_SETTING]: '-1' }), { message: /refuses: Invalid value "-1"/ })
  await alterBrokerSettings(broker, nodeId, { [COPY_SETTING]: '5' })
  t.is(broker.status().transfer.copyBelowBytes, 5)
  for (const answer of [undefined, Buffer.alloc(8, 0xff), Buffer.from([0, 0, 0, 2, 1, 2])]) {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined).resume()
      if (answer === undefined) socket.destroy()
      else socket.end(answer)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    await t.throwsAsync(alterBrokerSettings({ host: '127.0.0.1', port }, 1, {}))
    server.close()
    await once(server, 'close')
  }
  // Not a port that was closed just now: a child on its way to exec may hold it still, and another test may have been given it.
  await t.throwsAsync(alterBrokerSettings({ host: '127.0.0.1', port: 1 }, 1, {}), { message: /ECONNREFUSED/ })
})

test('no place for its file; an interrupt', async (t) => {
  const temp = await tempDir(t)
  const none = await run(process.execPath, [MAIN, 'calibrate', '--temp', path.join(temp, 'none')])
  t.is(none.code, 1)
  t.regex(none.stderr, /sluice: .*none/)
  const place = path.join(temp, 'place')
  mkdirSync(place)
  const code = await interrupted(t, ['calibrate', '--temp', place], place)
  t.is(code, 130)
  t.deepEqual(readdirSync(place), [])
})

/** Sends SIGINT once the command has begun to measure. */
async function interrupted(t: ExecutionContext, args: string[], place: string): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'close')
  await once(child.stderr, 'data')
  while (readdirSync(place).length === 0) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGINT')
  const [code] = (await ended) as [number | null]
  return code
}
