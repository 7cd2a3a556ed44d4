/** Listeners, connections, limits of requests and responses. */
import { int, list, long, string } from '../setting.js'

export const networkSettings = {
  'advertised.listeners': list(
    null,
    'The addresses that clients are told to connect to. Unset: those of listeners; the host name for a listener on every address, the bound port for port 0.'
  ),
  'background.threads': int(10, 'Threads for background work in Apache Kafka. Disk work has lanes of its own here: sluice.disk.*.', {
    change: 'cluster-wide',
    min: 1,
    ignored: true
  }),
  'connections.max.idle.ms': long(600000, 'A connection without a request for so long, or that takes no byte of a response, is closed.'),
  'delete.records.purgatory.purge.interval.requests': int(
    1,
    'How often Apache Kafka purges answered DeleteRecords requests from its waiting room.',
    { ignored: true }
  ),
  'early.start.listeners': list(null, 'Listeners that start before the authorizer is ready.', { ignored: true }),
  'fetch.max.bytes': int(57671680, 'The most bytes that one fetch response holds, whatever the client allows.', { min: 1024 }),
  'fetch.purgatory.purge.interval.requests': int(1000, 'How often Apache Kafka purges answered fetches from its waiting room.', {
    ignored: true
  }),
  'inter.broker.listener.name': string(null, 'The listener that other brokers connect to. Unset: the one named PLAINTEXT, else the first.'),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Which security protocol each listener name speaks. Only PLAINTEXT is implemented.',
    { change: 'per-broker' }
  ),
  listeners: list(
    'PLAINTEXT://:9092',
    'Where the broker listens: NAME://host:port, several parted by commas. An empty host or 0.0.0.0 is every address; port 0 takes a free one. While the broker runs, those that advertised.listeners does not name may come and go, and others may move.',
    { change: 'per-broker' }
  ),
  'max.connection.creation.rate': int(2147483647, 'New connections a second. What comes faster is accepted, and served later.', {
    change: 'cluster-wide',
    min: 0
  }),
  'max.connections': int(2147483647, 'Connections at a time. Beyond it accepting pauses until one closes.', {
    change: 'cluster-wide',
    min: 0
  }),
  'max.connections.per.ip': int(2147483647, 'Connections at a time from one address. More are closed at once.', {
    change: 'cluster-wide',
    min: 0
  }),
  'max.connections.per.ip.overrides': string('', 'Other limits for single addresses or host names, as address:count, parted by commas.', {
    change: 'cluster-wide'
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, 'Incremental fetch sessions that are kept.', { min: 0 }),
  'max.request.partition.size.limit': int(2000, 'The most partitions that one DescribeTopicPartitions response lists.', { min: 1 }),
  'num.io.threads': int(8, 'Request handler threads of Apache Kafka. Requests are handled on the JavaScript thread here.', {
    change: 'cluster-wide',
    min: 1,
    ignored: true
  }),
  'num.network.threads': int(
    3,
    'Native I/O threads, up to 64 while the broker runs. Each owns its connections: it cuts frames and sends responses. One that is too many gives them to the others, and ends.',
    { change: 'cluster-wide', min: 1 }
  ),
  'producer.purgatory.purge.interval.requests': int(
    1000,
    'How often Apache Kafka purges answered produce requests from its waiting room.',
    { ignored: true }
  ),
  'queued.max.request.bytes': long(
    -1,
    'Bytes of requests that may wait before sockets are no longer read; -1: sluice.request.memory.bytes alone decides.'
  ),
  'queued.max.requests': int(500, 'Requests of all connections that may wait to be handled before sockets are no longer read.', {
    min: 1,
    ignored: true
  }),
  'request.timeout.ms': int(30000, 'How long a request of this broker to another may take.', { ignored: true }),
  'socket.connection.setup.timeout.max.ms': long(30000, 'The limit to which the time for connecting to another broker grows.', {
    ignored: true
  }),
  'socket.connection.setup.timeout.ms': long(10000, 'How long connecting to another broker may take.', { ignored: true }),
  'socket.listen.backlog.size': int(50, 'Connections that may wait in the kernel to be accepted.', { min: 1 }),
  'socket.receive.buffer.bytes': int(102400, 'SO_RCVBUF of accepted sockets; -1, and unless it is set: the system decides.'),
  'socket.request.max.bytes': int(104857600, 'The largest request. A connection that announces a larger one is closed.', { min: 1 }),
  'socket.send.buffer.bytes': int(
    102400,
    'SO_SNDBUF of accepted sockets; -1: the system decides. Unless it is set: 262144, which measured best.'
  )
}
