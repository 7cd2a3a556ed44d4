/** What a request costs while other connections are open: idle ones, and ones that wait in a long poll. */
import { readFileSync } from 'node:fs'
import type { BenchBroker } from '../lib/broker.js'
import { startSluice } from '../lib/broker.js'
import { openLoad } from '../lib/load.js'
import { cpuBetween, type CpuSample, type CpuUse, openFilesOf, otherPercent, sampleCpu } from '../lib/process.js'
import type { Case } from '../lib/rounds.js'
import { ClosedLoop } from './closed-loop.js'
import { Crowd } from './crowd.js'
import { deliveries, WAIT_MS, WARM_UP, warmUp } from './deliveries.js'
import { fetchFrame, movingFetch, produceFrame } from './frames.js'
import { type AtEnd, atRest, type Measured, measureLoop, pidOf, quiet, type Scale, withRest } from './measure.js'

const COUNTS = [1, 10, 100, 1000, 10_000]
const QUICK_COUNTS = [1, 100, 1000]
/** The partitions that the crowd waits on: as many consumers share one as with 10,000 consumers of 16 partitions. */
const WAITED = 16
const BATCHES = 64
const RECORD_BYTES = 1000
const FETCH_BYTES = 4096
/** Each fetch takes half a second, so that there are some of them. */
const LEAST_POLL_SECONDS = 2
/** Of descriptors, besides those of the connections. */
const RESERVE = 500

const BUSY = 'busy'
const QUIET = 'quiet'
const DELIVERED = 'delivered'

interface Room {
  readonly broker: BenchBroker
  readonly idle: Crowd
  readonly waiting: Crowd
  /** Changes with each record. */
  deliveredOffset: number
}

/** The broker is started by the first case that runs. */
export function connectionCases({ seconds, quick }: Scale, atEnd: AtEnd): Case[] {
  let room: Promise<Room> | undefined
  const open = (): Promise<Room> => (room ??= openRoom(seconds, atEnd))
  return (quick ? QUICK_COUNTS : COUNTS).flatMap((connections) =>
    kindsOf(seconds).map(({ group, others, measure }): Case => ({
      group,
      name: `${connections.toLocaleString('en-US')} ${others === 'none' ? '' : 'other '}connection${connections === 1 ? '' : 's'}`,
      subject: 'Sluice',
      parameters: { connections },
      run: async () => {
        const here = await open()
        await gather(here, connections, others)
        const measured = await measure(here, connections)
        if (here.idle.disturbed + here.waiting.disturbed > 0)
          throw new Error('a connection that nothing was meant for was answered or closed')
        return measured
      }
    }))
  )
}

interface Kind {
  readonly group: string
  /** What the other connections do; none: the load makes its own. */
  readonly others: 'idle' | 'waiting' | 'none'
  readonly measure: (room: Room, connections: number) => Promise<Measured>
}

function kindsOf(seconds: number): Kind[] {
  const fetches = async ({ broker }: Room): Promise<Measured> => {
    const rest = await atRest(broker, seconds)
    let turn = 0
    const next = movingFetch({ topic: BUSY, partitions: { only: 0 }, maxBytes: FETCH_BYTES }, () => turn++ % (BATCHES - 8))
    return withRest(rest, await measureLoop(broker, next, seconds, RECORD_BYTES))
  }
  const produces = ({ broker }: Room): Promise<Measured> => {
    const frame = produceFrame(BUSY, 1, RECORD_BYTES)
    return measureLoop(broker, () => frame, seconds)
  }
  const delivers = (room: Room): Promise<Measured> => deliveries(room.broker, DELIVERED, () => room.deliveredOffset++, seconds)
  return [
    { group: 'a fetch beside idle connections', others: 'idle', measure: fetches },
    { group: 'a fetch beside fetches that wait', others: 'waiting', measure: fetches },
    { group: 'a produce beside fetches that wait on other partitions', others: 'waiting', measure: produces },
    { group: 'a record to one fetch that waits, of many', others: 'waiting', measure: delivers },
    { group: 'fetches that find nothing for 500 ms', others: 'none', measure: (room, connections) => polls(room, connections, seconds) }
  ]
}

/** Consumers at the end of their partitions, all at once: a request is one such fetch, from its coming to its empty answer. */
async function polls({ broker }: Room, connections: number, seconds: number): Promise<Measured> {
  const load = await openLoad()
  const pid = pidOf(broker)
  let before: CpuSample | undefined
  let use: CpuUse | undefined
  const forSeconds = Math.max(seconds, LEAST_POLL_SECONDS)
  const onReady = async (): Promise<void> => {
    await quiet(broker)
    before = sampleCpu(pid)
    // Before the connections are closed, which is work as well.
    setTimeout(() => (use = cpuBetween(before!, sampleCpu(pid))), forSeconds * 1000)
  }
  const options = { bootstrap: broker.bootstrap, topic: QUIET, partitions: WAITED, connections, seconds: forSeconds, waiting: true }
  const done = await load.idle(options, { onReady })
  if (use === undefined || done.polls === 0) throw new Error('no fetch was answered')
  return {
    figures: {
      cpuPerRequest: (use.cpu / done.polls) * 1e6,
      requests: done.polls / done.seconds,
      cpuPercent: (use.cpu / use.seconds) * 100
    },
    otherPercent: otherPercent(use, done.cpuUser + done.cpuSystem)
  }
}

async function gather({ broker, idle, waiting }: Room, connections: number, others: Kind['others']): Promise<void> {
  if (others !== 'idle') await idle.become(0)
  if (others !== 'waiting') await waiting.become(0)
  for (const [who, pid] of [
    ['the broker', pidOf(broker)],
    ['this program', process.pid]
  ] as const) {
    const limit = openFilesLimit(pid)
    if (connections + RESERVE > limit) throw new Error(`${who} may have only ${limit} files open (ulimit -n); ${openFilesOf(pid)} are open`)
  }
  if (others !== 'none') await (others === 'waiting' ? waiting : idle).become(connections)
  await quiet(broker)
}

async function openRoom(seconds: number, atEnd: AtEnd): Promise<Room> {
  const topics = [{ name: BUSY, partitions: 2 }, { name: QUIET, partitions: WAITED }, { name: DELIVERED }, { name: WARM_UP }]
  const broker = await startSluice({ topics, settings: { 'socket.listen.backlog.size': '4096' } })
  atEnd(() => broker.stop())
  const filler = await ClosedLoop.connect(broker)
  for (let batch = 0; batch < BATCHES; batch++) await filler.ask(produceFrame(BUSY, 0, RECORD_BYTES))
  filler.close()
  await warmUp(broker, seconds)
  const idle = new Crowd(broker)
  const waits = Array.from({ length: WAITED }, (_, only) => fetchFrame({ topic: QUIET, partitions: { only }, maxWaitMs: WAIT_MS }))
  const waiting = new Crowd(broker, (number) => waits[number % WAITED]!)
  atEnd(() => idle.become(0))
  atEnd(() => waiting.become(0))
  return { broker, idle, waiting, deliveredOffset: 0 }
}

/** How many files a process may have open. */
function openFilesLimit(pid: number): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
  return soft === 'unlimited' ? Infinity : Number(soft)
}
