/** Random operations: a snapshot taken anywhere, with the tail behind it, adds up to the live image. */
import test from 'ava'
import fc from 'fast-check'
import { loadBrokerConfig } from '../../src/config/load.js'
import { bootstrapRecords, registrationRecords } from '../../src/metadata/controller/brokers.js'
import { incrementalAlterConfigs } from '../../src/metadata/controller/configs.js'
import { allocateProducerIds } from '../../src/metadata/controller/producer-ids.js'
import type { ControllerState, Step } from '../../src/metadata/controller/step.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { createPartitions, createTopics, deleteTopics } from '../../src/metadata/controller/topics.js'
import { MetadataImage } from '../../src/metadata/image.js'
import { decodeRecord, encodeRecord } from '../../src/metadata/record-codec.js'
import { RecordType, type MetadataRecord } from '../../src/metadata/records.js'

const { config } = loadBrokerConfig({ 'node.id': '1' })

type Operation =
  | { kind: 'create'; name: string; partitions: number; retention: number | undefined }
  | { kind: 'delete'; name: string }
  | { kind: 'grow'; name: string; to: number }
  | { kind: 'config'; name: string; verb: number; value: string }
  | { kind: 'producerIds' }
  | { kind: 'restart'; clean: boolean }
  | { kind: 'kept'; record: MetadataRecord }

const name = fc.constantFrom('a', 'b', 'a.b', 'a_b', 'long-name')
const acl = (id: number): MetadataRecord => ({
  type: RecordType.accessControlEntry,
  version: 0,
  data: {
    id: `ACL${id}`.padEnd(21, 'A') + 'A',
    resourceType: 2,
    resourceName: 'a',
    patternType: 3,
    principal: 'User:x',
    host: '*',
    operation: 3,
    permissionType: 3
  }
})
const kept: fc.Arbitrary<MetadataRecord> = fc.oneof(
  fc.integer({ min: 0, max: 3 }).map(acl),
  fc.integer({ min: 0, max: 3 }).map((id) => ({
    type: RecordType.removeAccessControlEntry,
    version: 0,
    data: { id: `ACL${id}`.padEnd(21, 'A') + 'A' }
  })),
  fc.record({ value: fc.integer({ min: 1, max: 9 }), remove: fc.boolean() }).map(({ value, remove }) => ({
    type: RecordType.clientQuota,
    version: 0,
    data: { entity: [{ entityType: 'user', entityName: null }], key: 'producer_byte_rate', value, remove }
  })),
  fc.constant<MetadataRecord>({ type: -1, bytes: Buffer.from([1, 99, 0, 1, 2, 3]) })
)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant('create' as const),
    name,
    partitions: fc.integer({ min: 1, max: 5 }),
    retention: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined })
  }),
  fc.record({ kind: fc.constant('delete' as const), name }),
  fc.record({ kind: fc.constant('grow' as const), name, to: fc.integer({ min: 1, max: 8 }) }),
  fc.record({
    kind: fc.constant('config' as const),
    name,
    verb: fc.integer({ min: 0, max: 3 }),
    value: fc.constantFrom('compact', 'delete', 'compact,delete')
  }),
  fc.constant<Operation>({ kind: 'producerIds' }),
  fc.record({ kind: fc.constant('restart' as const), clean: fc.boolean() }),
  fc.record({ kind: fc.constant('kept' as const), record: kept })
)

function decide(state: ControllerState, operation: Operation, offset: number): Step<unknown> {
  switch (operation.kind) {
    case 'create': {
      const configs = operation.retention === undefined ? [] : [{ name: 'retention.ms', value: String(operation.retention) }]
      const topic = { name: operation.name, numPartitions: operation.partitions, replicationFactor: 1, assignments: [], configs }
      return createTopics(state, [topic], false)
    }
    case 'delete':
      return deleteTopics(state, [{ name: operation.name, topicId: ZERO_UUID }])
    case 'grow':
      return createPartitions(state, [{ name: operation.name, count: operation.to, assignments: null }], false)
    case 'config': {
      const configs = [{ name: 'cleanup.policy', configOperation: operation.verb, value: operation.value }]
      return incrementalAlterConfigs(state, [{ resourceType: 2, resourceName: operation.name, configs }], false)
    }
    case 'producerIds':
      return allocateProducerIds(state, 1)
    case 'restart':
      return { records: register(state.image, operation.clean, offset), response: undefined }
    case 'kept':
      return { records: [operation.record], response: undefined }
  }
}

function register(image: MetadataImage, cleanStart: boolean, offset: number): MetadataRecord[] {
  const registration = { brokerId: 1, incarnationId: ZERO_UUID, endpoints: [], rack: null, logDirs: [ZERO_UUID], cleanStart }
  return registrationRecords(image, registration, offset)
}

/** As text, without an order: a snapshot may list topics in another than they were made. */
function contents(image: MetadataImage): string[] {
  return [...image.records()].map((record) => encodeRecord(record).toString('hex')).toSorted()
}

function replayed(...logs: (readonly MetadataRecord[])[]): MetadataImage {
  const image = new MetadataImage()
  for (const record of logs.flat()) image.replay(decodeRecord(encodeRecord(record)))
  return image
}

test('snapshot and tail are the live image, wherever the snapshot was taken', (t) => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), fc.nat(), (operations, at) => {
      const image = new MetadataImage()
      const log: MetadataRecord[] = []
      let ids = 0
      const write = (records: readonly MetadataRecord[]): void => {
        for (const record of records) image.replay(record)
        log.push(...records)
      }
      write(bootstrapRecords('1'))
      write(register(image, true, log.length))
      const snapshotAt = at % (operations.length + 1)
      let snapshot = [...image.records()]
      let tailFrom = log.length
      for (const [index, each] of operations.entries()) {
        if (index === snapshotAt) {
          snapshot = [...image.records()]
          tailFrom = log.length
        }
        const state = { image, config, newUuid: () => `T${String(++ids).padStart(20, '0')}A` }
        write(decide(state, each, log.length).records)
      }
      const expected = contents(image)
      t.deepEqual(contents(replayed(log)), expected)
      t.deepEqual(contents(replayed(snapshot, log.slice(tailFrom))), expected)
      const counted = [...image.topics()].reduce((sum, topic) => sum + topic.partitions.length, 0)
      t.is(image.partitionCount, counted)
      t.false(image.topicByName('a.b') !== undefined && image.topicByName('a_b') !== undefined)
      for (const { partitions } of image.topics()) for (const { leader } of partitions) t.is(leader, 1)
    }),
    { numRuns: 150 }
  )
})
