/** Members that join together, and when their groups are settled. */
import { setTimeout as delay } from 'node:timers/promises'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { Line, type Address } from './line.js'
import { ClassicMember, type ConsumerMember } from './members.js'

const FIND_VERSION = 4
const FETCH_VERSION = 8
const INIT_VERSION = 5
const RETRY_MS = 20
/** Between two heartbeats of a member that waits for what becomes of its group: shorter than clients', so that these do not set the time. */
const HEARTBEAT_MS = 200

const GROUP = 0
const TRANSACTION = 1
const NOT_YET: readonly number[] = [
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS
]

/** Waits until the broker coordinates groups: their topic is made when it is asked for first, and loaded. */
export async function ready(address: Address): Promise<void> {
  const groupId = 'ready'
  await found(address, GROUP, groupId, async (line) => {
    const body = { groupId: '', topics: [], groups: [{ groupId, topics: null }] }
    const { groups } = await line.request(offsetFetch, FETCH_VERSION, body)
    return groups[0]?.errorCode
  })
}

/** As `ready`, for transactions. */
export async function readyForTransactions(address: Address): Promise<void> {
  const transactionalId = 'ready'
  await found(address, TRANSACTION, transactionalId, async (line) => {
    const { errorCode } = await line.request(initProducerId, INIT_VERSION, { transactionalId, transactionTimeoutMs: 1000 })
    return errorCode
  })
}

async function found(address: Address, keyType: number, key: string, ask: (line: Line) => Promise<number | undefined>): Promise<void> {
  const line = await Line.connect(address)
  try {
    for (;;) {
      const { coordinators } = await line.request(findCoordinator, FIND_VERSION, { key: '', keyType, coordinatorKeys: [key] })
      const errorCode = coordinators[0]?.errorCode || (await ask(line))
      if (errorCode === ErrorCode.NONE) return
      if (errorCode === undefined || !NOT_YET.includes(errorCode)) throw new Error(`no coordinator: error ${errorCode}`)
      await delay(RETRY_MS)
    }
  } finally {
    line.close()
  }
}

/**
 * All join at once, each with its own connection. Resolved when every group of `size` members (in the order of the list) is settled: all are of
 * one generation, or of one epoch, and each has as many partitions as the others.
 */
export async function settleTogether(members: readonly (ClassicMember | ConsumerMember)[], size: number): Promise<void> {
  const groups = Array.from({ length: Math.ceil(members.length / size) }, (_, at) => members.slice(at * size, (at + 1) * size))
  await Promise.all(groups.map((group) => (isClassic(group) ? settleClassic(group) : settleConsumers(group as readonly ConsumerMember[]))))
}

function isClassic(members: readonly (ClassicMember | ConsumerMember)[]): members is readonly ClassicMember[] {
  return members[0] instanceof ClassicMember
}

async function settleClassic(members: readonly ClassicMember[]): Promise<void> {
  const isSettled = (): boolean => members.every(({ generation }) => generation > 0 && generation === members[0]?.generation)
  await Promise.all(
    members.map(async (member) => {
      await member.join()
      while (!isSettled()) {
        await delay(HEARTBEAT_MS)
        if (!isSettled() && (await member.mustRejoin())) await member.join()
      }
    })
  )
}

async function settleConsumers(members: readonly ConsumerMember[]): Promise<void> {
  const isSettled = (): boolean => members.every(({ epoch, partitions }) => partitions === 1 && epoch === members[0]?.epoch)
  await Promise.all(
    members.map(async (member) => {
      await member.join()
      while (!isSettled()) {
        await delay(HEARTBEAT_MS)
        if (!isSettled()) await member.beat()
      }
    })
  )
}
