/** A batch and the end of its transaction arrive together: what is admitted must be in the log before the marker. */
import test from 'ava'
import { admit, produceError } from '../../src/broker/transaction-admission.js'
import { DEFAULT_TRANSACTION_CONFIG } from '../../src/coordinator/transaction/transaction-config.js'
import { TransactionCoordinator } from '../../src/coordinator/transaction/transaction-coordinator.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { MemoryLog } from '../coordinator/support/memory-log.js'
import { SimClock, turn } from '../coordinator/support/sim-clock.js'

/** More than a shard writes at once: what comes then shares a batch. */
const WRITES_UNDER_WAY = 4

async function setUp() {
  const log = new MemoryLog()
  const events: string[] = []
  let producerIds = 0
  const transactions = new TransactionCoordinator({
    clock: new SimClock(),
    logger: { info() {}, warn() {}, error() {} },
    log,
    config: DEFAULT_TRANSACTION_CONFIG,
    partitions: () => 1,
    leaderEpoch: () => 0,
    transactionVersion: () => 2,
    nextProducerId: () => Promise.resolve({ errorCode: 0, producerId: ++producerIds }),
    append: () => (events.push('marker'), Promise.resolve(0)),
    exists: () => true
  })
  await transactions.elect(0)
  const begin = async (transactionalId: string) => {
    const request = { transactionalId, timeoutMs: 60_000, expected: undefined, enableTwoPhaseCommit: false, keepPreparedTransaction: false }
    return { transactionalId, ...(await transactions.initProducerId(request)) }
  }
  const replicas = { partition: () => undefined }
  const services = (verify: boolean) =>
    ({ config: { get: () => verify }, replicas, transactions }) as unknown as Parameters<typeof admit>[0]
  return { log, events, transactions, begin, services }
}

for (const adds of [false, true]) {
  test(`nothing is admitted behind the marker, ${adds ? 'added by writing' : 'verified'}`, async (t) => {
    const { log, events, transactions, begin, services } = await setUp()
    const producer = await begin('x')
    const others = []
    for (let n = 0; n < WRITES_UNDER_WAY; n++) others.push(await begin(`other ${n}`))
    const partitions = new Map([['t', [0]]])
    await transactions.addPartitions({ ...producer, partitions, clientVersion: 0 })
    log.hold()
    for (const other of others) {
      void transactions.addPartitions({ ...other, partitions, clientVersion: 0 })
      await turn()
    }
    const write = { ...producer, places: [['t', adds ? 1 : 0]] as const, adds, knowsAbortable: true }
    const admission = admit(services(true), write).then((admitted) => {
      const errorCode = admitted('t', adds ? 1 : 0)
      events.push(errorCode === 0 ? 'appended' : `refused ${errorCode}`)
    })
    const ended = transactions.endTransaction({ ...producer, commit: true, clientVersion: adds ? 2 : 0 })
    log.release()
    await Promise.all([admission, ended])
    await turn()
    t.false(events.includes('appended') && events.indexOf('appended') > events.indexOf('marker'), events.join())
    t.true(events.includes('marker'))
    await transactions.close()
  })
}

test('without verification what was not added is taken, unless writing adds it', async (t) => {
  const { begin, services, transactions } = await setUp()
  const producer = await begin('x')
  const write = { ...producer, places: [['t', 0]] as const, adds: false, knowsAbortable: false }
  t.is((await admit(services(false), write))('t', 0), ErrorCode.NONE)
  t.is((await admit(services(true), write))('t', 0), ErrorCode.INVALID_TXN_STATE)
  t.is((await admit(services(true), { ...write, knowsAbortable: true }))('t', 0), ErrorCode.TRANSACTION_ABORTABLE)
  t.is((await admit(services(false), { ...write, adds: true }))('t', 0), ErrorCode.NONE)
  t.is((await transactions.describe('x')).transactionState, 'Ongoing')
  t.is((await admit(services(false), { ...write, producerEpoch: 7, adds: true }))('t', 0), ErrorCode.INVALID_PRODUCER_EPOCH)
  await transactions.close()
})

test('what a coordinator cannot answer now passes, for a Produce', (t) => {
  const { NOT_ENOUGH_REPLICAS, CONCURRENT_TRANSACTIONS, NOT_COORDINATOR, INVALID_PRODUCER_EPOCH } = ErrorCode
  t.is(produceError(NOT_COORDINATOR, true), NOT_ENOUGH_REPLICAS)
  t.is(produceError(CONCURRENT_TRANSACTIONS, false), NOT_ENOUGH_REPLICAS)
  t.is(produceError(CONCURRENT_TRANSACTIONS, true), CONCURRENT_TRANSACTIONS)
  t.is(produceError(INVALID_PRODUCER_EPOCH, true), INVALID_PRODUCER_EPOCH)
})
