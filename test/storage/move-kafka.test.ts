/** A move that kill -9 interrupted is completed by Apache Kafka, too: at each point the directories are what its own moves leave. */
import path from 'node:path'
import test from 'ava'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.js'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { startKafka } from '../support/kafka-broker.js'
import { haveTools } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'
import { contentsOf } from '../takeover/contents.js'
import { packed, recordsFrom } from '../takeover/data.js'
import { Session } from '../takeover/session.js'

const kafkaTest = haveTools && !foreignBroker ? test.serial : test.serial.skip
/** Points after the decision where the partition is to be; more with SLUICE_KILL_POINTS: each takes a start of Apache Kafka. */
const POINTS = (process.env['SLUICE_KILL_POINTS'] ?? 'after-source').split(',')

kafkaTest('Apache Kafka opens a folder that Sluice has made, and goes on where a killed move has stopped', async (t) => {
  t.timeout(240_000)
  const dir = await tempDir(t)
  const dirs = [path.join(dir, 'data'), path.join(dir, 'more')]
  const port = await freePort()
  const settings = {
    'log.dirs': dirs.join(','),
    // Sluice's own folders have no set of voters in their metadata.
    'controller.quorum.voters': `1@127.0.0.1:${port + 1}`,
    // A broker that was killed is another one only when its session is over.
    'broker.heartbeat.interval.ms': '300',
    'broker.session.timeout.ms': '1500'
  }
  for (const [round, point] of POINTS.entries()) {
    process.env['NODE_OPTIONS'] = `--import=${path.join(root, 'dist/test/support/kill-at-rename.js')}`
    process.env['SLUICE_KILL_AT'] = point
    const ours = await startChildBroker({ dir: dirs.join(','), topics: { t: 1 } })
    delete process.env['NODE_OPTIONS']
    delete process.env['SLUICE_KILL_AT']
    t.teardown(() => ours.kill())
    const session = await Session.connect(ours)
    for (let batch = 0; batch < 8; batch++)
      await session.send('t', 0, await packed(recordsFrom('t', round * 100 + batch * 4, 4), batch % 5))
    const before = await contentsOf(session, 't', 0, false)
    const here = await session.dirOf('t', 0)
    const there = dirs.find((each) => each !== here)!
    // Answered or not: it is over when the connection is.
    const wanted = [{ path: there, topics: [{ name: 't', partitions: [0] }] }]
    await session.client.request(alterReplicaLogDirs, 2, { dirs: wanted }).catch(() => undefined)
    await session.client.closing()
    await ours.kill()
    t.regex(ours.log(), new RegExp(`killed at ${point}`))

    const theirs = await startKafka({ port, dir, settings })
    t.teardown(() => theirs.stop())
    const reader = await Session.connect(theirs)
    t.deepEqual(await contentsOf(reader, 't', 0, false), before)
    t.is(await reader.dirOf('t', 0), there)
    await reader.send('t', 0, await packed(recordsFrom('t', round * 100 + 90, 2), 0))
    reader.close()
    await theirs.stop()
  }
})
