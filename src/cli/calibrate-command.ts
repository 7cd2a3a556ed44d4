/** `sluice calibrate`: measures, prints what was found in words and figures, and hands it to a running broker if that was asked for. */
import os from 'node:os'
import type { BrokerStatus } from '../broker/status.js'
import { alterBrokerSettings } from './admin-client.js'
import { calibrate, COPY_SETTING, INLINE_SETTING, type Calibration } from './calibrate.js'
import type { Compared, Threshold } from './calibrate-verdict.js'
import { readStatus } from './status-client.js'
import { bytes, table } from './table.js'

export interface CalibrateRequest {
  readonly json: boolean
  readonly seconds: number
  readonly temp?: string
  /** Log folders of the broker that is to use what was found. */
  readonly applyTo?: readonly string[]
}

export interface Output {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  /** Whether `error` goes to a terminal: progress is shown there. */
  readonly terminal: boolean
}

const CLEAR_LINE = '\r\x1b[K'

/** Rejects when it can't measure, with NoStatus or the broker's refusal when it can't apply, and when `signal` is aborted. */
export async function runCalibration(
  { json, seconds, temp, applyTo }: CalibrateRequest,
  output: Output,
  signal: AbortSignal
): Promise<void> {
  // Asked before anything is measured: a wrong folder must not cost the time.
  const broker = applyTo === undefined ? undefined : await readStatus(applyTo)
  const progress = (share: number): void => {
    if (output.terminal) output.error(share < 1 ? `${CLEAR_LINE}measuring: ${Math.floor(share * 100)} %` : CLEAR_LINE)
  }
  if (!output.terminal) output.error(`measuring for about ${seconds} s\n`)
  const found = await calibrate({ temp: temp ?? os.tmpdir(), seconds, progress, signal })
  output.out(json ? `${JSON.stringify(found, null, 2)}\n` : calibrationText(found))
  if (broker !== undefined) {
    await apply(broker, found)
    output.error(`the broker of ${broker.dirs[0]?.path ?? '?'} (pid ${broker.process.pid}) uses them from now on, and after a new start\n`)
  }
}

async function apply({ nodeId, listeners }: BrokerStatus, { settings }: Calibration): Promise<void> {
  const { host, port } = listeners[0]!
  const near = host === '' || host === '::' ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host
  await alterBrokerSettings({ host: near, port }, nodeId, settings)
}

/** As a person reads it; the lines at the end are for server.properties. */
export function calibrationText({ machine, rounds, seconds, copy, inline, settings }: Calibration): string {
  return [
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}; ${rounds} rounds in ${seconds.toFixed(0)} s\n`,
    'Copy or sendfile: microseconds of CPU time for one response, all threads (medians)\n',
    comparison(copy.sizes, 'copy', 'sendfile'),
    `${words(copy.threshold, 'copying')}\n`,
    'Inline or I/O thread: the same, with the time of the event loop counted once more, because all requests share it\n',
    comparison(inline.sizes, 'inline', 'thread'),
    `${words(inline.threshold, 'sending inline')}\n`,
    '# for server.properties',
    `${COPY_SETTING}=${settings[COPY_SETTING]}`,
    `${INLINE_SETTING}=${settings[INLINE_SETTING]}\n`
  ].join('\n')
}

function comparison(sizes: readonly Compared[], first: string, second: string): string {
  const head = ['size', first, second, `${first}/${second}`, 'middle half of the rounds', '']
  const names = { first, second, noise: 'within the noise' }
  const rows = sizes.map((size) => [
    bytes(size.bytes),
    size.first.toFixed(1),
    size.second.toFixed(1),
    size.ratio.median.toFixed(2),
    `${size.ratio.low.toFixed(2)} to ${size.ratio.high.toFixed(2)}`,
    names[size.winner]
  ])
  return table([head, ...rows], [head.length - 1])
}

function words({ bytes: size, default: standard, verdict }: Threshold, what: string): string {
  if (verdict === 'noise') return `Differences are within the noise: the default stays, ${what} below ${bytes(standard)}.`
  if (verdict === 'confirmed') return `The default fits what was measured: ${what} below ${bytes(standard)}.`
  return `Here ${what} pays below ${bytes(size)} (default: ${bytes(standard)}).`
}
