/** Every version that ApiVersions advertises, over a socket: a request that succeeds, one that fails, and one version too many. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import type { Api } from '../../src/protocol/api.js'
import { apis } from '../../src/protocol/messages/index.js'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.js'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { isRetriable } from '../../src/protocol/error-codes.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { root } from '../support/processes.js'
import { RawClient, framed } from '../support/raw-client.js'
import { cases, type Subject } from './cases.js'

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const GIVE_UP_MS = 15_000
let broker: TestBroker
test.before(async () => {
  broker = await startBroker()
  // As clients do: the topics of committed offsets and of transactions are made by the first who asks for a coordinator.
  const client = await RawClient.connect(broker)
  await settled(client, findCoordinator, 3, { key: 'any', keyType: 0 })
  await settled(client, findCoordinator, 3, { key: 'any', keyType: 1 })
  client.close()
})
test.after.always(() => broker.stop())

/** Every field `errorCode`, or of a partition, of an answer, at any depth. */
function errorCodes(answer: unknown): number[] {
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return []
  return Object.entries(answer).flatMap(([name, value]) =>
    name === 'errorCode' || name === 'partitionErrorCode' ? [value as number] : errorCodes(value)
  )
}

/** Sends until the answer holds none of the errors that a client waits out (a coordinator that loads, a leader not yet there). */
async function settled(client: RawClient, api: Api, version: number, body: object, expected = 0): Promise<Record<string, unknown>> {
  for (const end = Date.now() + GIVE_UP_MS; ;) {
    const answer = (await client.request(api, version, body as never)) as Record<string, unknown>
    const errors = errorCodes(answer).filter((code) => code !== 0)
    if (Date.now() > end || (expected !== 0 && errors.includes(expected)) || !errors.some(isRetriable)) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function makeSubject(client: RawClient): Promise<Subject> {
  const topic = uniqueName('api')
  const [group, stableGroup] = [uniqueName('group'), uniqueName('group')]
  const created = await client.request(createTopics, 7, {
    topics: [{ name: topic, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000
  })
  await settled(client, offsetCommit, 8, {
    groupId: group,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: '' }] }]
  })
  const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
  const joined = await settled(client, joinGroup, 3, {
    groupId: stableGroup,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols
  })
  const [memberId, generation] = [joined['memberId'] as string, joined['generationId'] as number]
  await client.request(syncGroup, 3, { groupId: stableGroup, generationId: generation, memberId, assignments: [] })
  const transaction = await openTransaction(client, topic, group)
  return { topic, topicId: created.topics[0]?.topicId ?? ZERO_ID, group, stableGroup, memberId, generation, ...transaction }
}

async function openTransaction(client: RawClient, topic: string, group: string) {
  const transactionalId = uniqueName('transactional')
  const begun = await settled(client, initProducerId, 4, {
    transactionalId,
    transactionTimeoutMs: 60_000,
    producerId: -1,
    producerEpoch: -1
  })
  const [producerId, producerEpoch] = [begun['producerId'] as number, begun['producerEpoch'] as number]
  await settled(client, addPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: topic, partitions: [0] }]
  })
  await settled(client, addOffsetsToTxn, 3, { transactionalId, producerId, producerEpoch, groupId: group })
  return { transactionalId, producerId, producerEpoch }
}

async function advertised() {
  const client = await RawClient.connect(broker)
  const { apiKeys } = await client.request(apiVersions, 3, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' })
  client.close()
  return new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion] as const]))
}

for (const { key, good, bad } of cases) {
  const api = apis.get(key)!
  test(`${api.name}: every advertised version, success and error`, async (t) => {
    const range = (await advertised()).get(key)
    t.truthy(range, 'it is advertised')
    t.deepEqual(range?.[1], api.stable?.[1], 'up to the version of Apache Kafka 4.3.1')
    const client = await RawClient.connect(broker)
    t.teardown(() => client.close())
    for (let version = Math.max(range?.[0] ?? 0, api.request.versions[0]); version <= (range?.[1] ?? -1); version++) {
      const subject = await makeSubject(client)
      const failing = bad(version, subject)
      if (failing) {
        const codes = errorCodes(await settled(client, api, version, failing[0], failing[1]))
        t.true(codes.includes(failing[1]), `version ${version}, error: ${codes.join()} instead of ${failing[1]}`)
      }
      if (!good) continue
      const codes = errorCodes(await settled(client, api, version, good(version, subject)))
      t.deepEqual(
        codes.filter((code) => code !== 0),
        [],
        `version ${version}, success`
      )
    }
    if (key === apiVersions.key) return
    const beyond = Buffer.alloc(64)
    beyond.writeInt16BE(key)
    beyond.writeInt16BE((range?.[1] ?? 0) + 1, 2)
    client.write(framed(beyond))
    await t.notThrowsAsync(client.closing(), 'one version more closes the connection')
  })
}

const oursTest = foreignBroker ? test.skip : test
oursTest('nothing is advertised that is not exercised here', async (t) => {
  t.deepEqual(
    [...(await advertised()).keys()].sort((a, b) => a - b),
    cases.map(({ key }) => key)
  )
})

test('the table in README.md calls refused what is never answered otherwise', async (t) => {
  const docs = (await import(pathToFileURL(path.join(root, 'scripts/docs.mjs')).href)) as { API_STATES: Record<string, string> }
  const refused = Object.entries(docs.API_STATES).filter(([, state]) => state.startsWith('refused'))
  // These two can succeed with more than one request: a subscription that a client was given, a broker that is gone.
  const others = new Set([64, 72])
  t.deepEqual(
    refused.map(([key]) => Number(key)),
    cases.filter(({ key, good }) => good === undefined && !others.has(key)).map(({ key }) => key)
  )
})
