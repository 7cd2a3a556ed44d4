/** `sluice log`: runs what was asked for, and tells the exit code. */
import { dump } from '../storage/inspect/dump.js'
import type { Finding } from '../storage/inspect/findings.js'
import {
  bytesDecoder,
  clusterMetadataDecoder,
  offsetsDecoder,
  shareGroupStateDecoder,
  transactionLogDecoder,
  type RecordDecoder
} from '../storage/inspect/record-decoders.js'
import { verifyData, type Verification } from '../storage/inspect/verify-data.js'
import { repairData, type RepairStep } from '../storage/inspect/repair.js'
import type { DumpRequest, LogRequest, RepairRequest, VerifyRequest } from './log-arguments.js'
import { bytes, count, share } from './table.js'

export interface LogOutput {
  /** False: nobody reads on. */
  readonly out: (text: string) => Promise<boolean>
  readonly error: (text: string) => void
  /** Progress may be shown on standard error. */
  readonly terminal: boolean
}

const EXIT_FINDINGS = 1
const PROGRESS_MS = 200

export async function runLog(request: LogRequest, output: LogOutput): Promise<number> {
  switch (request.action) {
    case 'dump':
      return runDump(request, output)
    case 'verify':
      return runVerify(request, output)
    case 'repair':
      return runRepair(request, output)
  }
}

async function runDump(request: DumpRequest, output: LogOutput): Promise<number> {
  const lines = new Lines(output)
  const whole = await dump(
    request.paths,
    { ...request, decoder: decoderOf(request.decoder) },
    {
      line: (text) => lines.add(text),
      error: (text) => output.error(`${text}\n`)
    }
  )
  await lines.end()
  return whole ? 0 : EXIT_FINDINGS
}

function decoderOf(decoder: DumpRequest['decoder']): RecordDecoder | undefined {
  switch (decoder) {
    case undefined:
      return undefined
    case 'offsets':
      return offsetsDecoder
    case 'transaction-log':
      return transactionLogDecoder
    case 'cluster-metadata':
      return clusterMetadataDecoder
    case 'share-group-state':
      return shareGroupStateDecoder
    default:
      return bytesDecoder(decoder.keys, decoder.values)
  }
}

/** Lines written many at a time, as fast as they are taken. */
class Lines {
  readonly #output: LogOutput
  #text = ''
  #open = true

  constructor(output: LogOutput) {
    this.#output = output
  }

  add(line: string): boolean | Promise<boolean> {
    this.#text += `${line}\n`
    return this.#text.length < FLUSH_CHARACTERS ? this.#open : this.end()
  }

  async end(): Promise<boolean> {
    if (this.#text !== '') this.#open = await this.#output.out(this.#text)
    this.#text = ''
    return this.#open
  }
}

const FLUSH_CHARACTERS = 64 * 1024

async function runVerify({ folder, strict, json }: VerifyRequest, output: LogOutput): Promise<number> {
  const lines = new Lines(output)
  const totals = { damage: 0, note: 0 }
  const pending: Finding[] = []
  const progress = new Progress(output)
  const told = async () => {
    progress.clear()
    for (const finding of pending.splice(0)) {
      totals[finding.level]++
      await lines.add(
        json ? JSON.stringify(finding) : `${finding.level === 'damage' ? 'DAMAGE' : 'note  '} ${finding.file}: ${finding.message}`
      )
    }
  }
  const verification = await verifyData(folder, {
    strict,
    tell: (finding) => void pending.push(finding),
    progress: (done, total) => progress.show(done, total)
  })
  await told()
  await lines.add(
    json ? JSON.stringify({ ...totals, partitions: Object.fromEntries(verification.partitions) }) : summary(verification, totals)
  )
  await lines.end()
  return totals.damage > 0 ? EXIT_FINDINGS : 0
}

function summary({ folder, partitions }: Verification, { damage, note }: { damage: number; note: number }): string {
  const sum = (of: (one: { segments: number; records: number; bytes: number }) => number) =>
    [...partitions.values()].reduce((total, one) => total + of(one), 0)
  const size = `${count(partitions.size)} partitions, ${count(sum((one) => one.segments))} segments, ${count(sum((one) => one.records))} records, ${bytes(sum((one) => one.bytes))}`
  const result = damage === 0 ? 'sound' : `${count(damage)} ${damage === 1 ? 'thing is' : 'things are'} damaged`
  return `${folder}: ${size}: ${result}${note === 0 ? '' : `, ${count(note)} ${note === 1 ? 'note' : 'notes'}`}`
}

const ACTIONS: Readonly<Record<RepairStep['action'], string>> = {
  cut: 'cut',
  'take-out': 'take out',
  rebuild: 'make anew',
  'set-aside': 'set aside',
  left: 'LEFT'
}

async function runRepair({ folder, yes, quarantine, json }: RepairRequest, output: LogOutput): Promise<number> {
  const steps: RepairStep[] = []
  const whole = await repairData(folder, { dryRun: !yes, quarantine, tell: (step) => void steps.push(step) })
  const lines = new Lines(output)
  for (const step of steps) await lines.add(json ? JSON.stringify(step) : `${ACTIONS[step.action].padEnd(9)} ${step.file}: ${step.message}`)
  const pending = steps.filter(({ action }) => action !== 'left').length
  if (!json) await lines.add(`${folder}: ${verdict(pending, yes, whole)}`)
  await lines.end()
  return whole && (yes || pending === 0) ? 0 : EXIT_FINDINGS
}

function verdict(steps: number, done: boolean, whole: boolean): string {
  if (steps === 0) return whole ? 'there is nothing to repair' : 'what is damaged stays as it is'
  const text = done
    ? `${count(steps)} ${steps === 1 ? 'repair' : 'repairs'} done`
    : `${count(steps)} to be done; nothing was changed: --yes does it`
  return whole ? text : `${text}; some of it stays damaged`
}

/** One line on a terminal, written over itself. */
class Progress {
  readonly #output: LogOutput
  #shownAt = 0
  #shown = false

  constructor(output: LogOutput) {
    this.#output = output
  }

  show(done: number, total: number): void {
    if (!this.#output.terminal || performance.now() - this.#shownAt < PROGRESS_MS) return
    this.#shownAt = performance.now()
    this.#shown = true
    this.#output.error(`\r\x1b[K${bytes(done)} of ${bytes(total)}, ${share(done, total)}`)
  }

  clear(): void {
    if (this.#shown) this.#output.error('\r\x1b[K')
    this.#shown = false
  }
}
