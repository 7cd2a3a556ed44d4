/** What is checked of a batch before it gets its turn in a log. */
import { walkRecords } from '../native/functions.js'
import * as batch from '../record/batch.js'
import { checkHeader, checkRecords, Compression, type ValidationRules, type Verdict } from '../record/index.js'
import type { AppendInput } from './append.js'
import type { LogState } from './log-state.js'

const NOTHING_TO_CHECK = -1

/** Everything, for a batch of a client: a promise only when it is compressed. What this process built, or a leader checked, is trusted. */
export function checkAppend(state: LogState, input: AppendInput): Verdict | Promise<Verdict> {
  if (input.origin !== 'client') return NOTHING_TO_CHECK
  const { frame, offset, length } = input
  const { config, clock, runtime } = state
  const rules: ValidationRules = {
    maxMessageBytes: config.maxMessageBytes,
    compacted: config.cleanupPolicy.includes('compact'),
    logAppendTime: config.messageTimestampType === 'LogAppendTime',
    beforeMaxMs: config.messageTimestampBeforeMaxMs,
    afterMaxMs: config.messageTimestampAfterMaxMs,
    nowMs: clock.now()
  }
  const at = frame.start + offset
  const checked = length === 0 ? 0 : runtime.native.checkBatches(frame.id, offset, length)
  const refusal = checkHeader(frame.buffer, at, length, checked, rules)
  if (refusal !== undefined) return refusal
  const { decompressions } = state.environment
  const plain = batch.compressionType(frame.buffer, at) === Compression.none
  if (plain || decompressions === undefined) return checkRecords(frame.buffer, at, rules, walkRecords)
  return decompressions.run(async () => checkRecords(frame.buffer, at, rules, walkRecords))
}

/** The sizes of a leader's batches in `buffer[from, end)`; undefined unless all are whole and their offsets rise from `nextOffset` on. */
export function followingBatches(buffer: Buffer, from: number, end: number, nextOffset: number): number[] | undefined {
  const sizes: number[] = []
  let next = nextOffset
  for (let at = from; at < end;) {
    const size = batch.frameAt(buffer, at, end)
    if (typeof size === 'string' || batch.baseOffset(buffer, at) < next) return undefined
    next = batch.lastOffset(buffer, at) + 1
    sizes.push(size)
    at += size
  }
  return sizes.length > 0 ? sizes : undefined
}
