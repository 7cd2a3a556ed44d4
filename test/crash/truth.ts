/** What must be found in a folder, by what a run said: nothing acknowledged is missing, nothing is there twice, nothing was made up. */
import type { Line } from './history.js'
import type { FoundBatch, FoundLog } from './inspect.js'
import { isTombstone, keyOf, markerOf, RETENTION_BYTES, TRANSACTIONAL } from './engine.js'

/** `kill`: the page cache survives, so all that was acknowledged is there. `power`: only what was flushed must be. */
export type Ending = 'kill' | 'power'

interface SentBatch {
  readonly count: number
  readonly bytes: number
  readonly producerId: number
  readonly sequence: number
  /** -1: not acknowledged. */
  base: number
  refused: boolean
  /** `perhaps`: a truncation that may not have got so far. */
  cut: 'no' | 'perhaps' | 'yes'
  /** Of its records: those that compaction had taken away when a start looked, with what was in their place then. */
  readonly gone: readonly number[]
}

const COMPACTED = 'packed'
/** Batches that are on their way when retention counts bytes need not be there after a kill. */
const RETENTION_SLACK = 12_000

export class PartitionTruth {
  existence: 'absent' | 'coming' | 'there' | 'leaving' = 'absent'
  readonly topicIds = new Set<string>()
  readonly batches = new Map<string, SentBatch>()
  durableEnd = 0
  /** A truncation was begun: what is acknowledged now may be cut by it. */
  truncating = false
  /** All of it was about to go: in which order its segments do that on the disk nobody knows. */
  restarting = false
  /** There was one: a compacted log may end in a gap since. */
  truncated = false
  /** What it may have cut. */
  readonly doubtful = new Set<SentBatch>()
  startAtLeast = 0
  startAtMost = 0
  /** Records from here on may be damaged: by the test, not by the engine. */
  damagedFrom = Infinity
}

export class Truth {
  readonly partitions = new Map<string, PartitionTruth>()
  offline: string | undefined

  of(topic: string, partition: number): PartitionTruth {
    const key = `${topic}-${partition}`
    let known = this.partitions.get(key)
    if (!known) this.partitions.set(key, (known = new PartitionTruth()))
    return known
  }

  apply(line: Line): void {
    if (line[0] === 'begin') for (const truth of this.partitions.values()) truth.truncating = false
    if (line[0] === 'begin' || line[0] === 'closed' || line[0] === 'healed' || line[0] === 'complaint') return
    if (line[0] === 'offline') {
      this.offline = line[1]
      return
    }
    const [, topic, partition] = line
    if (line[0] === 'creating' && this.of(topic, partition).existence === 'absent') this.partitions.delete(`${topic}-${partition}`)
    const truth = this.of(topic, partition)
    if (line[0] === 'creating') {
      // The deletion before was seen to have happened, but was never acknowledged: a power cut may still bring the old one back.
      if (truth.existence === 'leaving') forgetBatches(truth)
      truth.existence = 'coming'
      truth.topicIds.add(line[3])
    } else if (line[0] === 'created') truth.existence = 'there'
    else if (line[0] === 'dropping') truth.existence = 'leaving'
    else if (line[0] === 'dropped') truth.existence = 'absent'
    else if (line[0] === 'send') {
      const [, , , id, count, producerId, sequence, bytes] = line
      truth.batches.set(id, { count, bytes, producerId, sequence, base: -1, refused: false, cut: 'no', gone: [] })
    } else if (line[0] === 'ack') {
      const sent = truth.batches.get(line[3])!
      sent.base = line[4]
      if (truth.truncating) {
        sent.cut = 'perhaps'
        truth.doubtful.add(sent)
      }
      if (topic === 'durable') truth.durableEnd = Math.max(truth.durableEnd, line[5] + 1)
    } else if (line[0] === 'nak') truth.batches.get(line[3])!.refused = true
    else if (line[0] === 'flushed') truth.durableEnd = Math.max(truth.durableEnd, line[3])
    else if (line[0] === 'truncating') cutFrom(truth, line[3], 'perhaps')
    else if (line[0] === 'truncated') cutFrom(truth, line[3], 'yes')
    else if (line[0] === 'restarting') {
      cutFrom(truth, 0, 'perhaps')
      truth.restarting = true
      truth.startAtMost = Math.max(truth.startAtMost, line[3])
      truth.startAtLeast = Math.min(truth.startAtLeast, line[3])
    } else if (line[0] === 'restarted') {
      cutFrom(truth, 0, 'yes')
      truth.restarting = false
      truth.startAtLeast = truth.startAtMost = truth.durableEnd = line[3]
    } else if (line[0] === 'uncut') restore(truth)
    else if (line[0] === 'cutting') truth.startAtMost = Math.max(truth.startAtMost, line[3])
    else {
      truth.startAtMost = Math.max(truth.startAtMost, line[3])
      truth.startAtLeast = Math.max(truth.startAtLeast, line[3])
    }
  }

  /** Everything that is wrong with what was found. */
  compare(found: readonly FoundLog[], ending: Ending): string[] {
    const problems: string[] = []
    const seen = new Map(found.map((log) => [`${log.topic}-${log.partition}`, log]))
    for (const [key, truth] of this.partitions) {
      const log = seen.get(key)
      seen.delete(key)
      const tell = (message: string) => problems.push(`${key}: ${message}`)
      if (log === undefined) {
        if (truth.existence === 'there') tell('is not there')
      } else if (truth.existence === 'absent') tell('was deleted, and is there')
      else {
        // One before it, which a directory has kept that was offline when it was deleted.
        if (truth.existence === 'leaving' && !log.topicIdLost && log.topicId !== [...truth.topicIds].at(-1)) forgetBatches(truth)
        compareLog(truth, log, ending, this.offline !== undefined, tell)
      }
    }
    for (const key of seen.keys()) problems.push(`${key}: nobody made it`)
    return problems
  }

  /** What was found is the truth from now on. */
  adopt(found: readonly FoundLog[]): void {
    const before = new Map(this.partitions)
    this.partitions.clear()
    this.offline = undefined
    for (const log of found) {
      const truth = this.of(log.topic, log.partition)
      truth.existence = 'there'
      const old = before.get(`${log.topic}-${log.partition}`)
      // One that is lost is given back.
      for (const topicId of log.topicIdLost ? (old?.topicIds ?? []) : [log.topicId]) truth.topicIds.add(topicId)
      truth.startAtLeast = truth.startAtMost = log.start
      truth.durableEnd = log.end
      truth.truncated = old?.truncated === true
      for (const batch of log.batches) {
        const sent = old?.batches.get(batch.id)
        if (!sent) continue
        const gone = indexesOf(sent).filter((index) => !batch.indexes.includes(index))
        truth.batches.set(batch.id, { ...sent, base: batch.base, refused: false, cut: 'no', gone })
      }
    }
  }
}

function forgetBatches(truth: PartitionTruth): void {
  for (const [id, batch] of truth.batches) truth.batches.set(id, { ...batch, base: -1, refused: false, cut: 'no' })
  truth.durableEnd = truth.startAtLeast = 0
}

// Whole batches go. What is acknowledged behind this line was written behind the cut.
function cutFrom(truth: PartitionTruth, offset: number, cut: 'perhaps' | 'yes'): void {
  let end = offset
  truth.truncating = cut === 'perhaps'
  truth.truncated = true
  truth.doubtful.clear()
  for (const sent of truth.batches.values()) {
    if (sent.base < 0 || sent.cut === 'yes' || sent.base + sent.count <= offset) continue
    if (cut === 'perhaps' && sent.cut === 'no') truth.doubtful.add(sent)
    sent.cut = cut
    end = Math.min(end, sent.base)
  }
  truth.durableEnd = Math.min(truth.durableEnd, end)
  // The batch of the log start may go, too.
  truth.startAtLeast = Math.min(truth.startAtLeast, end)
}

function indexesOf({ count }: SentBatch): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function restore(truth: PartitionTruth): void {
  truth.truncating = truth.restarting = false
  for (const sent of truth.doubtful) sent.cut = 'no'
  truth.doubtful.clear()
}

type Tell = (message: string) => void

function compareLog(truth: PartitionTruth, log: FoundLog, ending: Ending, offline: boolean, tell: Tell): void {
  if (!truth.topicIds.has(log.topicId) && !log.topicIdLost) tell(`has the topic id ${log.topicId}`)
  // Where nothing was flushed, the first segments may have lost their names, and later ones not.
  const anywhere = ending === 'power' && (truth.restarting || truth.durableEnd <= truth.startAtMost)
  const most = anywhere ? log.end : Math.max(truth.startAtMost, log.topic === 'lazy' ? retentionStart(truth) : 0)
  if (log.start < truth.startAtLeast) tell(`begins at ${log.start}, but was cut at ${truth.startAtLeast}`)
  if (log.start > most) tell(`begins at ${log.start}, which nobody asked for: at most ${most}`)
  const mustEnd = Math.min(ending === 'power' ? truth.durableEnd : Infinity, truth.damagedFrom)
  const byId = new Map<string, FoundBatch>()
  for (const batch of log.batches) {
    const sent = truth.batches.get(batch.id)
    if (byId.has(batch.id)) tell(`${batch.id} is there twice: at ${byId.get(batch.id)!.base} and ${batch.base}`)
    byId.set(batch.id, batch)
    if (sent === undefined) tell(`${batch.id} at ${batch.base} was never sent`)
    else if (sent.base >= 0 && sent.base !== batch.base) tell(`${batch.id} is at ${batch.base}, was acknowledged at ${sent.base}`)
    // The write of one that was refused may come to the disk, and the cut that took it back not.
    else if (sent.refused && !offline && (ending === 'kill' || batch.base < mustEnd))
      tell(`${batch.id} at ${batch.base} was refused, and is there`)
    else if (sent.count !== batch.count) tell(`${batch.id} at ${batch.base} has ${batch.count} records of ${sent.count}`)
    else if (sent.cut === 'yes' && (ending === 'kill' || batch.base < mustEnd))
      tell(`${batch.id} at ${batch.base} was cut off, and is there`)
    else if (log.topic !== COMPACTED && batch.indexes.length !== batch.count)
      tell(`of ${batch.id} at ${batch.base} ${batch.count - batch.indexes.length} records are missing`)
  }
  const isSuperseded = log.topic === COMPACTED ? supersededIn(log, truth) : () => false
  for (const [id, sent] of truth.batches) {
    const last = sent.base + sent.count - 1
    if (sent.base < 0 || sent.cut !== 'no' || last < log.start || last >= mustEnd) continue
    const there = byId.get(id)?.indexes ?? []
    const gone = indexesOf(sent).filter((index) => !there.includes(index) && !sent.gone.includes(index))
    if (gone.every((index) => sent.base + index < log.start || isSuperseded(id, index, sent.base + index))) continue
    tell(
      `${id} is missing: acknowledged at ${sent.base} to ${last}; the log is [${log.start}, ${log.end}), durable below ${truth.durableEnd}`
    )
  }
  if (log.topic === COMPACTED) compareCompacted(truth, log, ending, tell)
  else compareOrder(truth, log, ending, mustEnd, tell)
  for (const message of log.problems) tell(message)
}

/** Whether a record may have been compacted away: it is a tombstone, or another of its key lies behind it, or lay there until it was cut off. */
function supersededIn(log: FoundLog, truth: PartitionTruth): (id: string, index: number, offset: number) => boolean {
  const newest = new Map<string, number>()
  const note = (id: string, index: number, base: number) => {
    const key = keyOf(id, index)
    newest.set(key, Math.max(newest.get(key) ?? -1, base + index))
  }
  // What compaction has taken of an aborted transaction, and of its end when nothing of it is left, is not missed.
  const needless = (id: string, base: number) => markerOf(id) !== undefined || mayBeAborted(truth, id, base)
  for (const { id, base, indexes } of log.batches) if (markerOf(id) === undefined) for (const index of indexes) note(id, index, base)
  for (const [id, sent] of truth.batches)
    if (sent.base >= 0 && markerOf(id) === undefined)
      for (const index of indexesOf(sent)) if (sent.cut !== 'no' || isTombstone(id, index)) note(id, index, sent.base)
  return (id, index, offset) => isTombstone(id, index) || needless(id, offset - index) || (newest.get(keyOf(id, index)) ?? -1) > offset
}

/** Whether the transaction of a batch may have been aborted: by the first marker behind it, or one of which it is not known where it is, or whether. */
function mayBeAborted(truth: PartitionTruth, id: string, base: number): boolean {
  if (truth.batches.get(id)?.producerId !== TRANSACTIONAL) return false
  let next: { readonly at: number; readonly aborts: boolean } | undefined
  for (const [marker, { base: at, cut }] of truth.batches) {
    const what = markerOf(marker)
    if (what === undefined) continue
    const isCertain = at >= 0 && cut === 'no'
    if (!isCertain && what === 'abort') return true
    if (isCertain && at > base && at < (next?.at ?? Infinity)) next = { at, aborts: what === 'abort' }
  }
  return next?.aborts === true
}

// Compaction leaves gaps, but never goes back; and of each producer what it wrote last.
function compareCompacted(truth: PartitionTruth, log: FoundLog, ending: Ending, tell: Tell): void {
  let next = 0
  const sequences = new Map<number, number>()
  for (const { id, base, count } of log.batches) {
    if (base < next) tell(`${base} follows ${next - 1}`)
    next = base + count
    const sent = truth.batches.get(id)
    if (sent && sent.producerId >= 0) sequences.set(sent.producerId, sent.sequence + sent.count)
  }
  // The last records may have been tombstones, or of a transaction that was aborted.
  const tombstones = Array.from(truth.batches).some(
    ([id, sent]) =>
      sent.base >= next &&
      (markerOf(id) !== undefined || sent.producerId === TRANSACTIONAL || indexesOf(sent).some((index) => isTombstone(id, index)))
  )
  const mayGap = ending === 'power' || truth.truncated || truth.damagedFrom < Infinity || tombstones
  if (next > log.end || (next !== log.end && !mayGap && log.batches.length > 0)) tell(`ends at ${log.end}, its last record before ${next}`)
  for (const [producerId, expected] of sequences) {
    const known = log.nextSequences.get(producerId) ?? -1
    if (known < expected) tell(`producer ${producerId} goes on at ${known}, should at ${expected} at least`)
  }
}

function compareOrder(truth: PartitionTruth, log: FoundLog, ending: Ending, mustEnd: number, tell: Tell): void {
  let next: number | undefined
  const sequences = new Map<number, number>()
  for (const batch of log.batches) {
    // Where segments were lost that nobody had flushed, those behind them may have come through.
    const mayGap = ending === 'power' && batch.base > mustEnd
    if (next !== undefined && batch.base !== next && !(mayGap && batch.base > next)) tell(`${batch.base} follows ${next - 1}`)
    next = batch.base + batch.count
    const sent = truth.batches.get(batch.id)
    if (sent === undefined || sent.producerId < 0) continue
    const expected = sequences.get(sent.producerId)
    if (expected !== undefined && sent.sequence !== expected && !(ending === 'power' && sent.sequence > expected)) {
      tell(`sequence ${sent.sequence} of producer ${sent.producerId} at ${batch.base}, should be ${expected}`)
    }
    sequences.set(sent.producerId, sent.sequence + sent.count)
  }
  if (next !== undefined && next !== log.end && ending === 'kill') tell(`ends at ${log.end}, its last record before ${next}`)
  for (const [producerId, expected] of sequences) {
    const known = log.nextSequences.get(producerId)
    // A power cut may take a segment's end and leave the producer snapshot behind it.
    if (known !== expected && !(ending === 'power' && (known ?? -1) > expected))
      tell(`producer ${producerId} goes on at ${known}, should at ${expected}`)
  }
}

/** The first offset such that what is acknowledged behind it may be all that retention by size left. */
function retentionStart(truth: PartitionTruth): number {
  const acknowledged = [...truth.batches.values()].filter((batch) => batch.base >= 0).sort((a, b) => b.base - a.base)
  let bytes = 0
  for (const batch of acknowledged) {
    bytes += batch.bytes
    if (bytes > RETENTION_BYTES - RETENTION_SLACK) return batch.base + batch.count
  }
  return 0
}
