/** A copied folder that is served read-only: its transactions are listed and described as they stand there, and do not go on. */
import test from 'ava'
import { Broker } from '../../src/index.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { endTxn } from '../../src/protocol/messages/26-end-txn.js'
import { writeTxnMarkers } from '../../src/protocol/messages/27-write-txn-markers.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.js'
import { folderState } from '../support/folder-state.js'
import { unpackGolden } from '../support/golden-log.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

async function listed(client: RawClient, transactionalIdPattern: string | null = null) {
  const filter = { stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern }
  for (;;) {
    const { errorCode, transactionStates } = await client.request(listTransactions, 2, filter)
    if (errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
      return transactionStates.toSorted((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
  }
}

test('a transaction that was open stays so', async (t) => {
  const dir = await tempDir(t)
  const settings = { 'transaction.state.log.num.partitions': '2' }
  const broker = await Broker.start({ dir, settings })
  const client = await RawClient.connect(broker)
  const topics = [{ name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }]
  await client.request(createTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false })
  await client.request(findCoordinator, 4, { keyType: 1, coordinatorKeys: ['öpen'], key: '' })
  // It would be aborted at once by a broker that may.
  const producer = await client.request(initProducerId, 4, { transactionalId: 'öpen', transactionTimeoutMs: 1 })
  t.is(producer.errorCode, 0)
  const added = { transactions: [], v3AndBelowTransactionalId: 'öpen', v3AndBelowProducerId: producer.producerId }
  const v3AndBelowTopics = [{ name: 't', partitions: [1] }]
  await client.request(addPartitionsToTxn, 3, { ...added, v3AndBelowProducerEpoch: producer.producerEpoch, v3AndBelowTopics })
  client.close()
  await broker.stop()
  const before = await folderState(dir)

  const served = await Broker.start({
    port: 0,
    settings: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1' },
    readOnly: { dirs: [dir], temp: await tempDir(t) }
  })
  t.teardown(() => served.stop())
  const reader = await RawClient.connect(served)
  const { producerId } = producer
  for (let again = 0; again < 3; again++) {
    t.deepEqual(await listed(reader, 'ö.{3}'), [{ transactionalId: 'öpen', producerId, transactionState: 'Ongoing' }])
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.deepEqual(await listed(reader, 'x.*'), [])
  const { transactionStates } = await reader.request(describeTransactions, 0, { transactionalIds: ['öpen', 'none'] })
  t.like(transactionStates[0], { errorCode: 0, transactionState: 'Ongoing', producerId, topics: [{ topic: 't', partitions: [1] }] })
  t.is(transactionStates[1]?.errorCode, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  const found = await reader.request(findCoordinator, 4, { keyType: 1, coordinatorKeys: ['öpen'], key: '' })
  t.is(found.coordinators[0]?.errorCode, 0)

  t.is(
    (await reader.request(initProducerId, 4, { transactionalId: 'öpen', transactionTimeoutMs: 1 })).errorCode,
    ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  )
  const end = { transactionalId: 'öpen', producerId, producerEpoch: 0, committed: true }
  t.is((await reader.request(endTxn, 4, end)).errorCode, ErrorCode.POLICY_VIOLATION)
  const marker = {
    producerId,
    producerEpoch: 0,
    transactionResult: false,
    topics: [{ name: 't', partitionIndexes: [1] }],
    coordinatorEpoch: 0
  }
  const marked = await reader.request(writeTxnMarkers, 1, { markers: [marker] })
  t.is(marked.markers[0]?.topics[0]?.partitions[0]?.errorCode, ErrorCode.POLICY_VIOLATION)
  reader.close()
  await served.stop()
  t.deepEqual(await folderState(dir), before)
})

test('those of a folder of Apache Kafka', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const served = await Broker.start({ port: 0, readOnly: { dirs: [dir], temp: await tempDir(t) } })
  t.teardown(() => served.stop())
  const reader = await RawClient.connect(served)
  const all = await listed(reader)
  t.true(all.length > 0)
  for (const { transactionState } of all) t.regex(transactionState, /^(CompleteCommit|CompleteAbort|Empty|Ongoing)$/)
  reader.close()
})
