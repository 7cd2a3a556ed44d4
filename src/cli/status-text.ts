/** The status of a broker as `sluice status` prints it: totals since the start, or with `--watch` what came since the last look. */
import type { BrokerStatus, FileTraffic, ListenerTraffic, TopicStatus, TopicTraffic } from '../broker/status.js'
import { formatHostPort } from '../config/listeners.js'
import { bytes, count, duration, share, table } from './table.js'

const TOPICS_SHOWN = 20
const LISTENER_HEAD = ['listener', 'connections', 'requests', 'received', 'sent', 'own bytes', 'sendfile', 'splice', 'mmap', 'read/write']
const TOPIC_HEAD = ['topic', 'partitions', 'size', 'batches', 'produced', 'fetches', 'fetched', 'sendfile', 'splice', 'mmap', 'read/write']
const CACHE_HEAD = ['page cache', 'hits', 'of them fresh', 'cold', 'stalls', 'waited', 'each']

export function statusText(status: BrokerStatus): string {
  return `${head(status)}\n${tables(status, 1)}`
}

/** Figures per second between two looks at the same broker; undefined: it was started again meanwhile. */
export function rateText(before: BrokerStatus, now: BrokerStatus): string | undefined {
  const seconds = (now.uptimeMs - before.uptimeMs) / 1000
  if (before.startedAt !== now.startedAt || before.process.pid !== now.process.pid || seconds <= 0) return undefined
  const busyMs = now.process.cpuUserMs + now.process.cpuSystemMs - before.process.cpuUserMs - before.process.cpuSystemMs
  const since: BrokerStatus = {
    ...now,
    total: growth(before.total, now.total),
    listeners: now.listeners.map((listener, at) => growth(before.listeners[at] ?? listener, listener)),
    topics: topicsSince(before.topics, now.topics),
    otherTopics: now.otherTopics
  }
  return `per second of the last ${seconds.toFixed(1)} s · CPU ${(busyMs / seconds / 10).toFixed(0)} % of one core\n\n${tables(since, seconds)}`
}

/** What stands, and does not grow. */
const LEVELS = new Set(['connections', 'partitions', 'sizeBytes', 'port'])

function growth<T extends ListenerTraffic | TopicTraffic>(before: T, now: T): T {
  const difference: Record<string, unknown> = { ...now }
  for (const [name, value] of Object.entries(before)) {
    if (typeof value === 'number' && !LEVELS.has(name)) difference[name] = Math.max(0, (difference[name] as number) - value)
  }
  return difference as unknown as T
}

function topicsSince(before: readonly TopicStatus[], now: readonly TopicStatus[]): TopicStatus[] {
  const known = new Map(before.map((topic) => [topic.name, topic]))
  return now
    .map((topic) => growth(known.get(topic.name) ?? topic, topic))
    .filter((topic) => topic.fetchedBytes + topic.producedBytes > 0)
    .sort((a, b) => b.fetchedBytes + b.producedBytes - a.fetchedBytes - a.producedBytes)
}

function head(status: BrokerStatus): string {
  const { process, transfer, total } = status
  const dirs = status.dirs.map(({ path, online, recovery }) => {
    if (!online) return `${path} (offline)`
    if (recovery === undefined) return path
    const { logs, recoveredLogs, checkedBytes, bytes: all } = recovery
    return `${path} (recovering: ${count(recoveredLogs)} of ${count(logs)} logs, ${bytes(checkedBytes)} of ${bytes(all)})`
  })
  return table(
    [
      ['broker', `Sluice ${status.version}, node ${status.nodeId} of cluster ${status.clusterId}, pid ${process.pid}`],
      ['up', `${duration(status.uptimeMs)}, since ${new Date(status.startedAt).toISOString()}`],
      ['data', dirs.join(', ')],
      [
        'transfer',
        `${transfer.mode}: responses below ${bytes(transfer.copyBelowBytes)} copied${transfer.mode === 'auto' ? '' : ' (auto only)'}, up to ${bytes(transfer.inlineBelowBytes)} tried inline`
      ],
      ['CPU', `${duration(process.cpuUserMs)} user, ${duration(process.cpuSystemMs)} system`],
      ['memory', `${bytes(process.residentBytes)} resident, ${bytes(status.requestBytes)} of requests`],
      [
        'responses',
        `${count(total.inlineResponses)} inline, ${count(total.queuedResponses)} through I/O threads, ${count(total.standingAnswers)} to heartbeats as before; reading paused ${count(total.readPauses)} times`
      ]
    ],
    [0, 1]
  )
}

function tables(status: BrokerStatus, seconds: number): string {
  const { listeners, topics, otherTopics } = status
  const listenerRows = listeners.map((listener) => [
    `${listener.name} ${formatHostPort(listener.host, listener.port)}`,
    count(listener.connections),
    count(listener.requests / seconds),
    ...[listener.bytesReceived, listener.bytesSent, listener.ownBytes].map((value) => bytes(value / seconds)),
    ...paths(listener, seconds)
  ])
  const shown = topics.slice(0, TOPICS_SHOWN)
  const topicRows = shown.map((topic) => [topic.name, ...topicCells(topic, seconds)])
  const rest = topics.length - shown.length + otherTopics.count
  const cacheRows = [
    ...listeners.map((listener) => [listener.name, ...cacheCells(listener, seconds)]),
    ...shown.filter((topic) => topic.fetchedBytes > 0).map((topic) => [topic.name, ...cacheCells(topic, seconds)])
  ]
  const parts = [table([LISTENER_HEAD, ...listenerRows]), table([CACHE_HEAD, ...cacheRows])]
  if (topicRows.length > 0) parts.splice(1, 0, table([TOPIC_HEAD, ...topicRows]))
  if (rest > 0) parts.push(`${count(rest)} more topics with less traffic: --json lists them\n`)
  return parts.join('\n')
}

function paths(traffic: FileTraffic, seconds: number): string[] {
  return [traffic.sendfileBytes, traffic.spliceBytes, traffic.mmapBytes, traffic.readwriteBytes].map((value) => bytes(value / seconds))
}

function topicCells(topic: TopicTraffic, seconds: number): string[] {
  return [
    count(topic.partitions),
    bytes(topic.sizeBytes),
    count(topic.batches / seconds),
    bytes(topic.producedBytes / seconds),
    count(topic.fetches / seconds),
    bytes(topic.fetchedBytes / seconds),
    ...paths(topic, seconds)
  ]
}

function cacheCells(traffic: FileTraffic, seconds: number): string[] {
  const { residentBytes, freshBytes, readInBytes, coldStalls, coldMs } = traffic
  const all = residentBytes + freshBytes + readInBytes
  return [
    share(residentBytes + freshBytes, all),
    share(freshBytes, all),
    bytes(readInBytes / seconds),
    count(coldStalls / seconds),
    duration(coldMs / seconds),
    coldStalls === 0 ? '-' : duration(coldMs / coldStalls)
  ]
}
