/** The record types of the metadata log, by number. */
import type { MessageSchema } from '../../schema.js'
import { registerBrokerRecord } from './register-broker-record.js'
import { unregisterBrokerRecord } from './unregister-broker-record.js'
import { topicRecord } from './topic-record.js'
import { partitionRecord } from './partition-record.js'
import { configRecord } from './config-record.js'
import { partitionChangeRecord } from './partition-change-record.js'
import { fenceBrokerRecord } from './fence-broker-record.js'
import { unfenceBrokerRecord } from './unfence-broker-record.js'
import { removeTopicRecord } from './remove-topic-record.js'
import { delegationTokenRecord } from './delegation-token-record.js'
import { userScramCredentialRecord } from './user-scram-credential-record.js'
import { featureLevelRecord } from './feature-level-record.js'
import { clientQuotaRecord } from './client-quota-record.js'
import { producerIdsRecord } from './producer-ids-record.js'
import { brokerRegistrationChangeRecord } from './broker-registration-change-record.js'
import { accessControlEntryRecord } from './access-control-entry-record.js'
import { removeAccessControlEntryRecord } from './remove-access-control-entry-record.js'
import { noOpRecord } from './no-op-record.js'
import { zkMigrationStateRecord } from './zk-migration-state-record.js'
import { removeUserScramCredentialRecord } from './remove-user-scram-credential-record.js'
import { beginTransactionRecord } from './begin-transaction-record.js'
import { endTransactionRecord } from './end-transaction-record.js'
import { abortTransactionRecord } from './abort-transaction-record.js'
import { removeDelegationTokenRecord } from './remove-delegation-token-record.js'
import { registerControllerRecord } from './register-controller-record.js'
import { clearElrRecord } from './clear-elr-record.js'
import { unregisterControllerRecord } from './unregister-controller-record.js'

export const metadataRecordTypes: ReadonlyMap<number, MessageSchema> = new Map<number, MessageSchema>([
  [0, registerBrokerRecord],
  [1, unregisterBrokerRecord],
  [2, topicRecord],
  [3, partitionRecord],
  [4, configRecord],
  [5, partitionChangeRecord],
  [7, fenceBrokerRecord],
  [8, unfenceBrokerRecord],
  [9, removeTopicRecord],
  [10, delegationTokenRecord],
  [11, userScramCredentialRecord],
  [12, featureLevelRecord],
  [14, clientQuotaRecord],
  [15, producerIdsRecord],
  [17, brokerRegistrationChangeRecord],
  [18, accessControlEntryRecord],
  [19, removeAccessControlEntryRecord],
  [20, noOpRecord],
  [21, zkMigrationStateRecord],
  [22, removeUserScramCredentialRecord],
  [23, beginTransactionRecord],
  [24, endTransactionRecord],
  [25, abortTransactionRecord],
  [26, removeDelegationTokenRecord],
  [27, registerControllerRecord],
  [28, clearElrRecord],
  [29, unregisterControllerRecord]
])
