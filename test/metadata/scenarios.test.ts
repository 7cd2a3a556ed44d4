/** The pure controller, told in texts: each command prints its answer, then the records it wants written. */
import { scenarioTests, type Command } from '../support/scenario.js'
import { runAdmin } from './support/admin-commands.js'
import { loadBrokerConfig } from '../../src/config/load.js'
import { ResourceType } from '../../src/metadata/config-image.js'
import { ConfigOperation, type CreatableTopic } from '../../src/metadata/controller-client.js'
import { bootstrapRecords, registrationRecords } from '../../src/metadata/controller/brokers.js'
import { alterConfigs, incrementalAlterConfigs } from '../../src/metadata/controller/configs.js'
import { allocateProducerIds } from '../../src/metadata/controller/producer-ids.js'
import type { ControllerState, Step } from '../../src/metadata/controller/step.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { createPartitions, createTopics, deleteTopics } from '../../src/metadata/controller/topics.js'
import { MetadataImage } from '../../src/metadata/image.js'
import { RecordType, type MetadataRecord } from '../../src/metadata/records.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'

const TYPE_NAMES = new Map<number, string>(Object.entries(RecordType).map(([name, type]) => [type, name]))
const ERROR_NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))
/** Fields that a text leaves out when they say nothing. */
const IDLE = new Set(['null', '[]', '-1', '-2', 'false', '0', '""'])
const ALWAYS = new Set(['partitionId', 'value'])

interface Outcome {
  readonly errorCode: number
  readonly errorMessage?: string | null
}

function outcome(name: string | null, { errorCode, errorMessage }: Outcome, detail = ''): string {
  const shown = name === null ? '' : ` ${name}`
  return errorCode === ErrorCode.NONE ? `ok${shown}${detail}` : `${ERROR_NAMES.get(errorCode)}${shown}: ${errorMessage ?? ''}`
}

function show(record: MetadataRecord): string {
  if (record.type === -1) return '  unknown'
  const fields = Object.entries(record.data)
    .filter(([name, value]) => ALWAYS.has(name) || (name === 'leader' && value !== -2) || !IDLE.has(JSON.stringify(value)))
    .filter(([name]) => name !== 'features')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `  ${TYPE_NAMES.get(record.type)} v${record.version} ${fields.join(' ')}`.trimEnd()
}

function settings(options: Command['options']): { name: string; value: string | null }[] {
  return Object.entries(options)
    .filter(([name]) => name.startsWith('config.'))
    .map(([name, value]) => ({ name: name.slice('config.'.length), value: value === 'null' ? null : value }))
}

/** `0:1,2;1:2,3`: partition and its brokers. */
function assignments(text: string | undefined): CreatableTopic['assignments'] {
  return (text ?? '')
    .split(';')
    .filter(Boolean)
    .map((one) => {
      const [partition, brokers] = one.split(':')
      return { partitionIndex: Number(partition), brokerIds: (brokers ?? '').split(',').filter(Boolean).map(Number) }
    })
}

function creatable(name: string, options: Command['options']): CreatableTopic {
  return {
    name,
    numPartitions: Number(options['partitions'] ?? -1),
    replicationFactor: Number(options['replicas'] ?? -1),
    assignments: assignments(options['assign']),
    configs: settings(options)
  }
}

class World {
  readonly image = new MetadataImage()
  #offset = 0
  #ids = 0
  #config = loadBrokerConfig({ 'node.id': '1' }).config

  get state(): ControllerState {
    return { image: this.image, config: this.#config, newUuid: () => `id-${++this.#ids}` }
  }

  settings(values: Readonly<Record<string, string>>): string {
    this.#config = loadBrokerConfig({ 'node.id': '1', ...values }).config
    return ''
  }

  write(records: readonly MetadataRecord[]): string[] {
    for (const record of records) this.image.replay(record)
    this.#offset += records.length
    return records.map(show)
  }

  step<R>({ records, response }: Step<R>, print: (response: R) => readonly string[]): string {
    return [...print(response), ...this.write(records)].join('\n')
  }

  register(brokerId: number, { dirs, clean, rack, start }: Command['options']): string {
    const registration = {
      brokerId,
      incarnationId: `run-${brokerId}`,
      endpoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092 + brokerId, securityProtocol: 0 }],
      rack: rack ?? null,
      logDirs: dirs === undefined ? [`dir-${brokerId}`] : dirs.split(','),
      cleanStart: clean === 'true'
    }
    const records = registrationRecords(this.image, registration, this.#offset)
    // A node that starts is alone. For a cluster of several: its own two records only.
    const own = start === 'true' ? records : records.slice(0, 2)
    return this.write(own).join('\n')
  }
}

function alterable(command: Command): { resourceType: number; resourceName: string } {
  const [type = '', resourceName = ''] = command.words
  const resourceType = (ResourceType as Readonly<Record<string, number>>)[type] ?? Number(type)
  return { resourceType, resourceName }
}

function run(world: World, command: Command): string {
  const { name, words, options } = command
  const validateOnly = options['validate'] === 'true'
  switch (name) {
    case 'bootstrap':
      return world.write(bootstrapRecords('1')).join('\n')
    case 'settings':
      return world.settings(options)
    case 'register':
      return world.register(Number(words[0]), options)
    case 'replay':
      return world.write([JSON.parse(words[0]!) as MetadataRecord]).join('\n')
    case 'create-topic':
      return world.step(
        createTopics(
          world.state,
          words.map((topic) => creatable(topic, options)),
          validateOnly
        ),
        (results) =>
          results.map((one) =>
            outcome(one.name, one, ` id=${one.topicId} partitions=${one.numPartitions} replicas=${one.replicationFactor}`)
          )
      )
    case 'delete-topic': {
      const named = words.map((topic) => ({ name: topic, topicId: ZERO_UUID }))
      const byId = (options['ids'] ?? '')
        .split(',')
        .filter(Boolean)
        .map((topicId) => ({ name: null, topicId }))
      const both = options['both'] === undefined ? [] : [{ name: 'x', topicId: options['both'] }]
      const none = options['none'] === undefined ? [] : [{ name: null, topicId: ZERO_UUID }]
      return world.step(deleteTopics(world.state, [...named, ...byId, ...both, ...none]), (results) =>
        results.map((one) => outcome(one.name, one))
      )
    }
    case 'grow': {
      const given = options['assign']?.split(';').map((brokers) => ({ brokerIds: brokers.split(',').filter(Boolean).map(Number) })) ?? null
      const topics = words.map((topic) => ({ name: topic, count: Number(options['to']), assignments: given }))
      return world.step(createPartitions(world.state, topics, validateOnly), (results) => results.map((one) => outcome(one.name, one)))
    }
    case 'change': {
      const changes = Object.entries(options).flatMap(([option, value]) => {
        const [verb = '', ...setting] = option.split('.')
        const operation = (ConfigOperation as Readonly<Record<string, number>>)[verb] ?? (verb === 'odd' ? 9 : undefined)
        return operation === undefined
          ? []
          : [{ name: setting.join('.'), configOperation: operation, value: value === 'null' ? null : value }]
      })
      return world.step(incrementalAlterConfigs(world.state, [{ ...alterable(command), configs: changes }], validateOnly), (results) =>
        results.map((one) => outcome(one.resourceName, one))
      )
    }
    case 'replace':
      return world.step(alterConfigs(world.state, [{ ...alterable(command), configs: settings(options) }], validateOnly), (results) =>
        results.map((one) => outcome(one.resourceName, one))
      )
    case 'producer-ids':
      return world.step(allocateProducerIds(world.state, 1), ({ errorCode, start, length }) => [
        outcome(null, { errorCode }, ` ${start}+${length}`)
      ])
    case 'image':
      return [...world.image.records()].map(show).join('\n')
    default:
      return runAdmin(world, command, outcome)
  }
}

scenarioTests('test/metadata/scenarios', () => {
  const world = new World()
  return { run: (command) => run(world, command) }
})
