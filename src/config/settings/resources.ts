/** Settings of groups and of client metrics subscriptions: what may be set for one of them by IncrementalAlterConfigs. */
import { boolean, int, list, string, type Setting } from '../setting.js'

const from = (name: string) => ({ synonyms: [{ name, factor: 1 }] })

export const groupLevelSettings = {
  'consumer.assignment.interval.ms': int(1000, 'The least time between two assignments of a consumer group.', {
    min: 0,
    ...from('group.consumer.assignment.interval.ms')
  }),
  'consumer.heartbeat.interval.ms': int(5000, 'How often members of a consumer group are to send a heartbeat.', {
    min: 1,
    ...from('group.consumer.heartbeat.interval.ms')
  }),
  'consumer.session.timeout.ms': int(45000, 'A member of a consumer group without a heartbeat for so long is removed.', {
    min: 1,
    ...from('group.consumer.session.timeout.ms')
  }),
  'share.assignment.interval.ms': int(1000, 'The least time between two assignments of a share group.', {
    min: 0,
    ...from('group.share.assignment.interval.ms')
  }),
  'share.auto.offset.reset': string('latest', 'Where a share group begins: earliest, latest, or by_duration:PnDTnHnMn.nS before now.'),
  'share.delivery.count.limit': int(5, 'How often a record is delivered to a share group at most.', {
    min: 2,
    ...from('group.share.delivery.count.limit')
  }),
  'share.heartbeat.interval.ms': int(5000, 'How often members of a share group are to send a heartbeat.', {
    min: 1,
    ...from('group.share.heartbeat.interval.ms')
  }),
  'share.isolation.level': string('read_uncommitted', 'Which records of transactions a share group gets.', {
    oneOf: ['read_committed', 'read_uncommitted']
  }),
  'share.partition.max.record.locks': int(2000, 'Records of a partition that a share group may hold at a time.', {
    min: 100,
    ...from('group.share.partition.max.record.locks')
  }),
  'share.record.lock.duration.ms': int(30000, 'How long a member of a share group may hold a record.', {
    min: 1000,
    ...from('group.share.record.lock.duration.ms')
  }),
  'share.renew.acknowledge.enable': boolean(true, 'Whether members of a share group may hold a record for longer.'),
  'share.session.timeout.ms': int(45000, 'A member of a share group without a heartbeat for so long is removed.', {
    min: 1,
    ...from('group.share.session.timeout.ms')
  }),
  'streams.assignment.interval.ms': int(1000, 'The least time between two assignments of a streams group.', {
    min: 0,
    ...from('group.streams.assignment.interval.ms')
  }),
  'streams.heartbeat.interval.ms': int(5000, 'How often members of a streams group are to send a heartbeat.', {
    min: 1,
    ...from('group.streams.heartbeat.interval.ms')
  }),
  'streams.initial.rebalance.delay.ms': int(3000, 'How long an empty streams group waits for more members.', {
    min: 0,
    ...from('group.streams.initial.rebalance.delay.ms')
  }),
  'streams.num.standby.replicas': int(0, 'Standby replicas of each task of a streams group.', {
    min: 0,
    ...from('group.streams.num.standby.replicas')
  }),
  'streams.session.timeout.ms': int(45000, 'A member of a streams group without a heartbeat for so long is removed.', {
    min: 1,
    ...from('group.streams.session.timeout.ms')
  })
}

export const clientMetricsSettings = {
  'interval.ms': int(300000, 'How often clients are to push their metrics: 100 to 3600000.'),
  match: list('', 'Which clients: name=pattern, parted by commas; all must match.'),
  metrics: list('', 'Which metrics: beginnings of their names, or * for all.')
}

export type GroupLevelSettings = typeof groupLevelSettings
export type GroupLevelSettingName = keyof GroupLevelSettings

/** As `settingAreas`, of what is no setting of the broker. */
export const resourceAreas: readonly { readonly title: string; readonly rows: Readonly<Record<string, Setting>> }[] = [
  { title: 'One group', rows: groupLevelSettings },
  { title: 'One client metrics subscription', rows: clientMetricsSettings }
]

/** The row of a setting of groups; undefined: no such setting. */
export function groupLevelSetting(name: string): Setting | undefined {
  return Object.hasOwn(groupLevelSettings, name) ? groupLevelSettings[name as GroupLevelSettingName] : undefined
}

/** The row of a setting of client metrics subscriptions; undefined: no such setting. */
export function clientMetricsSetting(name: string): Setting | undefined {
  return Object.hasOwn(clientMetricsSettings, name) ? clientMetricsSettings[name as keyof typeof clientMetricsSettings] : undefined
}
