/** What the handlers of groups need of a broker: one node, the topic `main`, a controller that makes topics in the image. */
import type { BrokerServices } from '../../../src/broker/services.js'
import { loadBrokerConfig } from '../../../src/config/load.js'
import { DEFAULT_GROUP_CONFIG } from '../../../src/coordinator/group/group-config.js'
import { GroupCoordinator, GROUP_TOPIC } from '../../../src/coordinator/group/group-coordinator.js'
import type { CreatableTopic } from '../../../src/metadata/controller-client.js'
import { MetadataImage } from '../../../src/metadata/image.js'
import { RecordType } from '../../../src/metadata/records.js'
import { MemoryLog } from './memory-log.js'
import { SimClock } from './sim-clock.js'

export const NODE = 1
export const MAIN_ID = '5s2NUCdPRw2GKsfdHRtgjA'

export class GroupNode {
  readonly clock = new SimClock()
  readonly log = new MemoryLog()
  readonly image = new MetadataImage()
  readonly groups: GroupCoordinator
  readonly services: BrokerServices
  readonly created: CreatableTopic[] = []
  /** Partitions of the groups' topic whose log directory does not work. */
  readonly offline = new Set<number>()
  #ids = 0

  /** `newUuid` gives the unique part of member ids. `error`: what the controller answers instead of making a topic. */
  constructor(newUuid: () => string, error = 0) {
    this.groups = new GroupCoordinator({
      clock: this.clock,
      logger: { info() {}, warn() {}, error() {} },
      log: this.log,
      config: { ...DEFAULT_GROUP_CONFIG, initialRebalanceDelayMs: 0 },
      partitions: () => this.image.topicByName(GROUP_TOPIC)?.partitions.length ?? 50,
      newUuid
    })
    const endPoints = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 19692, securityProtocol: 0 }]
    this.image.replay({
      type: RecordType.registerBroker,
      version: 3,
      data: {
        brokerId: NODE,
        isMigratingZkBroker: false,
        incarnationId: 'IIIIIIIIIIIIIIIIIIIIIA',
        brokerEpoch: 1,
        endPoints,
        features: [],
        rack: null,
        fenced: false,
        inControlledShutdown: false,
        logDirs: [],
        cordonedLogDirs: null
      }
    })
    this.#addTopic('main', MAIN_ID, 2)
    const metadata = { image: this.image, controllerId: NODE, offset: 0, subscribe: () => () => {} }
    const { config } = loadBrokerConfig({ 'node.id': String(NODE) })
    const controller = { createTopics: (topics: readonly CreatableTopic[]) => this.#create(topics, error) }
    const replicas = { isOffline: (_topic: string, partition: number) => this.offline.has(partition) }
    const { clock, groups } = this
    this.services = { nodeId: NODE, config, clock, metadata, controller, replicas, groups } as unknown as BrokerServices
  }

  async #create(topics: readonly CreatableTopic[], errorCode: number) {
    this.created.push(...topics)
    if (errorCode !== 0) return topics.map(({ name }) => ({ name, errorCode }))
    for (const { name, numPartitions } of topics) {
      if (this.image.topicByName(name)) return [{ name, errorCode: 36 }]
      this.#addTopic(name, `T${String(++this.#ids).padStart(20, '0')}A`, numPartitions)
      if (name === GROUP_TOPIC) for (let partition = 0; partition < numPartitions; partition++) void this.groups.elect(partition)
    }
    return topics.map(({ name }) => ({ name, errorCode: 0 }))
  }

  deleteTopic(name: string): void {
    const topic = this.image.topicByName(name)!
    this.image.replay({ type: RecordType.removeTopic, version: 0, data: { topicId: topic.id } })
    this.groups.topicsDeleted([name])
    if (name === GROUP_TOPIC) for (const partition of this.groups.partitions()) this.groups.resign(partition)
  }

  #addTopic(name: string, topicId: string, partitions: number): void {
    this.image.replay({ type: RecordType.topic, version: 0, data: { name, topicId } })
    for (let partitionId = 0; partitionId < partitions; partitionId++) {
      this.image.replay({
        type: RecordType.partition,
        version: 1,
        data: {
          partitionId,
          topicId,
          replicas: [NODE],
          isr: [NODE],
          removingReplicas: [],
          addingReplicas: [],
          leader: NODE,
          leaderRecoveryState: 0,
          leaderEpoch: 0,
          partitionEpoch: 0,
          directories: [],
          eligibleLeaderReplicas: null,
          lastKnownElr: null
        }
      })
    }
  }
}
