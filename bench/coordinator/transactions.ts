/** Short transactions: begin, one record, commit. With transactions of version 2 (KIP-890) as clients from 4.0 on do, and as older ones do. */
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { buildBatch } from '../../src/record/index.js'
import { setTimeout as delay } from 'node:timers/promises'
import type { Case } from '../lib/rounds.js'
import type { Measured, Stage, Subject, Turn } from '../kafka/stage.js'
import { expectNone, Line } from './line.js'
import { measureWork, warmUp, type Worker } from './load.js'
import { readyForTransactions } from './settle.js'

const PRODUCERS = [1, 8]
const TRANSACTIONS = 10_000
const TRANSACTIONS_QUICK = 200
/** For a broker that is slow: the rate tells as much. */
const MOST_SECONDS = 10
const RECORD = Buffer.alloc(100, 'x')
const TIMEOUT_MS = 60_000
/** A broker that has not written the markers of the transaction before says so; clients come again after a while. */
const RETRY_MS = 1

const INIT_VERSION = 5
const ADD_VERSION = 3
const PROTOCOLS = {
  'version 2': { produce: 12, end: 5, adds: false, raises: true },
  'version 1': { produce: 11, end: 4, adds: true, raises: false }
} as const
type Protocol = (typeof PROTOCOLS)[keyof typeof PROTOCOLS]

export function transactionCases(stage: Stage): Case[] {
  const operations = stage.options.quick ? TRANSACTIONS_QUICK : TRANSACTIONS
  return Object.entries(PROTOCOLS).flatMap(([version, protocol]) =>
    PRODUCERS.flatMap((producers) => {
      const warm = new WeakSet<Turn>()
      const run = async (subject: Subject): Promise<Measured> => {
        const turn = await stage.turn(subject)
        await readyForTransactions(turn.broker)
        const topic = await stage.keptTopic(turn, 'transactions', Math.max(...PRODUCERS), 0)
        const lines = await Line.connectAll(turn.broker, producers)
        try {
          const workers: Worker[] = []
          for (const [number, line] of lines.entries()) workers.push(await transactor(line, topic, number, protocol))
          if (!warm.has(turn)) await warmUp(workers, stage.options.quick)
          warm.add(turn)
          return await measureWork(turn.broker, workers, { operations, seconds: MOST_SECONDS })
        } finally {
          for (const line of lines) line.close()
        }
      }
      const name = `${version}, ${producers === 1 ? 'one producer' : `${producers} producers`}`
      return stage.cases('transactions', name, { producers, version, operations }, run)
    })
  )
}

let producersSoFar = 0

/** One transaction at a time, each with one record in the producer's own partition. */
async function transactor(line: Line, topic: string, partition: number, protocol: Protocol): Promise<Worker> {
  const transactionalId = `transactions-${producersSoFar++}`
  const init = await line.request(initProducerId, INIT_VERSION, { transactionalId, transactionTimeoutMs: TIMEOUT_MS })
  expectNone('InitProducerId', init.errorCode)
  let { producerId, producerEpoch } = init
  let sequence = 0

  const add = async (): Promise<number> => {
    const answer = await line.request(addPartitionsToTxn, ADD_VERSION, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }]
    })
    return answer.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
  }
  const send = async (): Promise<number> => {
    const records = buildBatch([{ value: RECORD }], {
      timestamp: Date.now(),
      producerId,
      producerEpoch,
      baseSequence: sequence,
      transactional: true
    })
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
    const answer = await line.request(produce, protocol.produce, { transactionalId, acks: -1, timeoutMs: TIMEOUT_MS, topicData })
    return answer.responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
  }
  return async () => {
    if (protocol.adds) await retried('AddPartitionsToTxn', add)
    await retried('Produce', send)
    const ended = await line.request(endTxn, protocol.end, { transactionalId, producerId, producerEpoch, committed: true })
    expectNone('EndTxn', ended.errorCode)
    if (protocol.raises) ({ producerId, producerEpoch } = ended)
    sequence = protocol.raises ? 0 : sequence + 1
  }
}

async function retried(what: string, ask: () => Promise<number>): Promise<void> {
  for (;;) {
    const errorCode = await ask()
    if (errorCode !== ErrorCode.CONCURRENT_TRANSACTIONS) return expectNone(what, errorCode)
    await delay(RETRY_MS)
  }
}
