/** Which transactions in a range of a log were aborted: what a reader of committed records leaves out. */
import type { FileRegion } from '../protocol/writer.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import type { AbortedTransaction } from './transaction-index.js'

export type Aborted = readonly AbortedTransaction[]

const NONE: Aborted = []

/** See Log.abortedTransactions. */
export function abortedTransactions(state: LogState, from: number, to: number): Aborted | Promise<Aborted> {
  const found: AbortedTransaction[] = []
  for (let index = Math.max(0, state.segments.floor(from)); ; index++) {
    const segment = state.segments.at(index)
    if (segment === undefined) return found
    const search = segment.transactions.collect(from, to)
    // The list may change while we wait.
    if (search instanceof Promise) return collectLater(state.segments.all().slice(index), from, to, found)
    for (const one of search.transactions) found.push(one)
    if (search.complete) return found
  }
}

async function collectLater(segments: readonly LogSegment[], from: number, to: number, found: AbortedTransaction[]): Promise<Aborted> {
  for (const segment of segments) {
    const { transactions, complete } = await segment.transactions.collect(from, to)
    for (const one of transactions) found.push(one)
    if (complete) break
  }
  return found
}

/** See Log.abortedIn. Without a transaction that was aborted in the segment or behind it, nothing is waited for. */
export function abortedIn(state: LogState, offset: number, region: FileRegion, upTo: number): Aborted | Promise<Aborted> {
  let index = state.segments.floor(offset)
  while (index < state.segments.count && state.segments.at(index)?.native.handle !== region.segment) index++
  const segment = state.segments.at(index)
  // Deleted since it was found: nobody gets its bytes.
  if (segment === undefined) return NONE
  const end = Math.min(upTo, state.segments.at(index + 1)?.baseOffset ?? state.endOffset)
  const found = abortedTransactions(state, offset, end)
  if (!(found instanceof Promise) && found.length === 0) return found
  return within(state, segment, offset, region.position + region.length, end)
}

// Up to the next batch that the index knows, as Kafka does: a transaction or two more than the region holds do no harm.
async function within(state: LogState, segment: LogSegment, offset: number, position: number, end: number): Promise<Aborted> {
  const bound = position >= segment.size ? -1 : await segment.native.indexedOffsetFrom(position)
  return abortedTransactions(state, offset, bound < 0 ? end : Math.min(bound, end))
}
