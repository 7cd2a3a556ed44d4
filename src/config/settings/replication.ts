/** Replicas and leaders. */
import { boolean, ignored, int, long, LONG_MAX, string } from '../setting.js'

export const replicationSettings = {
  'min.insync.replicas': int(
    1,
    'With acks=all, replicas that must hold a record before it is acknowledged. Capped by the number of replicas.',
    { change: 'cluster-wide', min: 1 }
  ),
  'num.replica.alter.log.dirs.threads': int(
    null,
    'Partitions that are moved between log folders at a time. Unset: as many as there are folders.'
  ),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(LONG_MAX, 'Bytes a second for moving partitions between log folders.', {
    change: 'per-broker',
    min: 0,
    internal: true
  })
}

// A node alone has no followers.
export const followerSettings = ignored({
  'auto.leader.rebalance.enable': boolean(true, 'Leadership returns to the preferred replica by itself.'),
  'leader.imbalance.check.interval.seconds': long(300, 'How often the balance of leaders is looked at.', { min: 1 }),
  'num.replica.fetchers': int(1, 'Fetchers for each other broker.', { change: 'cluster-wide', min: 1 }),
  'replica.fetch.backoff.ms': int(1000, 'Pause of a follower after an error.', { min: 0 }),
  'replica.fetch.max.bytes': int(1048576, 'Bytes a partition that a follower asks for.', { min: 0 }),
  'replica.fetch.min.bytes': int(1, 'Bytes that a follower waits for.'),
  'replica.fetch.response.max.bytes': int(10485760, 'Bytes that a follower takes in one response.', { min: 0 }),
  'replica.fetch.wait.max.ms': int(500, 'How long a follower waits for replica.fetch.min.bytes.'),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, 'How often the high watermarks are written.'),
  'replica.lag.time.max.ms': long(30000, 'A follower that has not caught up for so long leaves the in-sync replicas.'),
  'replica.selector.class': string(null, 'Java class that chooses the replica a consumer reads from.'),
  'replica.socket.receive.buffer.bytes': int(65536, 'SO_RCVBUF of the connections of followers.'),
  'replica.socket.timeout.ms': int(30000, 'How long a request of a follower may take.'),
  'unclean.leader.election.enable': boolean(false, 'A replica that is not in sync may become leader, losing records.', {
    change: 'cluster-wide'
  }),
  'unclean.leader.election.interval.ms': long(300000, 'How often partitions without a leader are looked at.', { min: 1, internal: true })
})
