/** Subscriptions by regular expression: which topics they match, looked up in slices that hold nobody up for long. */
import type { ConsumerGroup } from './group.js'
import { sameNames } from './member.js'
import { RegexSearch, SLICE_STEPS } from './regex-search.js'
import { emit, type ConsumerTurn } from './target.js'
import { cancelRegexes, scheduleRegexes } from './timers.js'

/** New topics are looked at together: not more often than that. */
const MIN_REFRESH_INTERVAL_MS = 10_000

/** Looks regular expressions up if that is due. True: the group subscribes to other topics now. */
export function followRegexes(turn: ConsumerTurn, group: ConsumerGroup): boolean {
  const forgotten = forgetUnused(turn, group)
  if (!group.usesRegexes || group.search) return forgotten
  const due = dueRegexes(turn, group)
  if (due.length === 0) return forgotten
  const { topics } = turn
  group.search = new RegexSearch(due, topics.names(), topics.version)
  return continueSearch(turn, group) || forgotten
}

/** One slice of a search. True: it is at its end and the group subscribes to other topics now. */
export function continueSearch(turn: ConsumerTurn, group: ConsumerGroup): boolean {
  const { search } = group
  if (!search) return false
  if (!search.run(SLICE_STEPS)) {
    scheduleRegexes(turn, group)
    return false
  }
  group.search = undefined
  cancelRegexes(turn, group)
  const subscribed = new Set(group.subscribedRegexes())
  let changed = false
  for (const [regex, found] of search.found) {
    if (!subscribed.has(regex)) continue
    const before = group.regexes.get(regex)
    // What a record can't hold is not stored, as in Kafka: the subscription stays as it was.
    const topics = fitsRecord(found, turn.config.maxRecordBytes) ? found : (before?.topics ?? [])
    if (!before || !sameNames(before.topics, topics)) changed = true
    emit(turn, group, { part: 'regex', regex, value: { topics, version: search.version, timestamp: turn.effects.now } })
  }
  return changed
}

function fitsRecord(topics: readonly string[], maxBytes: number): boolean {
  return topics.reduce((bytes, name) => bytes + name.length + 2, 0) <= maxBytes
}

function forgetUnused(turn: ConsumerTurn, group: ConsumerGroup): boolean {
  if (group.regexes.size === 0) return false
  const subscribed = new Set(group.subscribedRegexes())
  const unused = [...group.regexes.keys()].filter((regex) => !subscribed.has(regex))
  for (const regex of unused) emit(turn, group, { part: 'regex', regex, value: null })
  return unused.length > 0
}

/** Those that are new; or all, if the oldest answer is too old. */
function dueRegexes({ topics, effects, config }: ConsumerTurn, group: ConsumerGroup): string[] {
  const unknown: string[] = []
  let since = Number.POSITIVE_INFINITY
  let version = Number.POSITIVE_INFINITY
  for (const regex of group.subscribedRegexes()) {
    const known = group.regexes.get(regex)
    if (!known) unknown.push(regex)
    since = Math.min(since, known?.timestamp ?? since)
    version = Math.min(version, known?.version ?? version)
  }
  const age = effects.now - since
  const stale = topics.createdVersion > version && age >= MIN_REFRESH_INTERVAL_MS
  return stale || age >= config.consumer.regexRefreshIntervalMs ? [...group.subscribedRegexes()] : unknown
}
