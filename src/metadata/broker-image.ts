/** A registered broker. */
import { recordVersions } from './features.js'
import {
  RecordType,
  type BrokerRegistrationChange,
  type Endpoint,
  type RegisterBroker,
  type RegisterBrokerRecord,
  type SupportedVersions
} from './records.js'

export interface BrokerImage {
  readonly id: number
  readonly epoch: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly SupportedVersions[]
  readonly rack: string | null
  /** Not alive as far as the controller knows: clients are not told of it. */
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly isMigratingZkBroker: boolean
  readonly logDirs: readonly string[]
  readonly cordonedLogDirs: readonly string[]
}

export function registeredBroker(data: RegisterBroker): BrokerImage {
  return {
    id: data.brokerId,
    epoch: data.brokerEpoch,
    incarnationId: data.incarnationId,
    endpoints: data.endPoints,
    features: data.features,
    rack: data.rack,
    fenced: data.fenced,
    inControlledShutdown: data.inControlledShutdown,
    isMigratingZkBroker: data.isMigratingZkBroker,
    logDirs: data.logDirs,
    cordonedLogDirs: data.cordonedLogDirs ?? []
  }
}

export function changedBroker(broker: BrokerImage, change: BrokerRegistrationChange): BrokerImage {
  return {
    ...broker,
    fenced: change.fenced === 0 ? broker.fenced : change.fenced > 0,
    inControlledShutdown: change.inControlledShutdown === 0 ? broker.inControlledShutdown : change.inControlledShutdown > 0,
    logDirs: change.logDirs.length === 0 ? broker.logDirs : change.logDirs,
    cordonedLogDirs: change.cordonedLogDirs ?? broker.cordonedLogDirs
  }
}

export function* brokerRecords(brokers: Iterable<BrokerImage>, metadataVersion: number): Generator<RegisterBrokerRecord> {
  const version = recordVersions.registerBroker(metadataVersion)
  for (const broker of brokers) {
    const { id, epoch, incarnationId, endpoints, features, rack, fenced, inControlledShutdown, logDirs, cordonedLogDirs } = broker
    yield {
      type: RecordType.registerBroker,
      version,
      data: {
        brokerId: id,
        brokerEpoch: epoch,
        incarnationId,
        endPoints: endpoints,
        features,
        rack,
        fenced,
        inControlledShutdown,
        isMigratingZkBroker: broker.isMigratingZkBroker,
        logDirs: version >= 3 ? logDirs : [],
        cordonedLogDirs: version >= 4 && cordonedLogDirs.length > 0 ? cordonedLogDirs : null
      }
    }
  }
}
