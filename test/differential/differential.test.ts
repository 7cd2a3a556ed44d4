/**
 * Wrong and odd requests get the answers of Apache Kafka, and an error changes nothing. What it answered to some rounds of random requests is
 * recorded; SLUICE_DIFFERENTIAL_ROUNDS=n asks it anew, in n rounds, and compares also what both brokers tell of their state afterwards
 * (SLUICE_DIFFERENTIAL_SEED: which requests; SLUICE_DIFFERENTIAL_RECORD=1: the recording is replaced).
 */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { fixturePath } from '../support/fixtures.js'
import { startKafka } from '../support/kafka-broker.js'
import { haveTools } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'
import { ownedTempDir } from '../support/temp-dir.js'
import { Session } from '../takeover/session.js'
import { adminKinds } from './admin-requests.js'
import { AdminSide } from './admin-side.js'
import { groupKinds } from './group-requests.js'
import { GroupSide } from './group-side.js'
import { recordKinds } from './record-requests.js'
import { RecordSide } from './record-side.js'
import { compareLive, compareWithRecorded, type KindOf } from './rounds.js'
import type { Side } from './side.js'

const ROUNDS = Number(process.env['SLUICE_DIFFERENTIAL_ROUNDS'] ?? 0)
const SEED = Number(process.env['SLUICE_DIFFERENTIAL_SEED'] ?? 1)
const RECORD = process.env['SLUICE_DIFFERENTIAL_RECORD'] === '1'

interface Subject<S> {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly kinds: readonly KindOf<S>[]
  readonly side: new (...args: ConstructorParameters<typeof GroupSide>) => Side<S>
}

const SMALL = {
  'node.id': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'log.initial.task.delay.ms': '3600000'
}

compare({
  name: 'groups and transactions',
  settings: { ...SMALL, 'group.consumer.assignment.interval.ms': '0' },
  kinds: groupKinds,
  side: GroupSide
})
compare({ name: 'records', settings: SMALL, kinds: recordKinds, side: RecordSide })
compare({ name: 'administration', settings: { ...SMALL, 'auto.create.topics.enable': 'false' }, kinds: adminKinds, side: AdminSide })

function recordingOf(name: string): string {
  return `differential/${name.replaceAll(' ', '-')}-4.3.1.json`
}

function compare<S>({ name, settings, kinds, side: SideOf }: Subject<S>): void {
  const recorded = recordingOf(name)
  const own = foreignBroker ? test.serial.skip : test.serial
  own(`${name}: what Apache Kafka answered is answered here`, async (t) => {
    t.timeout(120_000)
    const expected = JSON.parse(await readFile(fixturePath(recorded), 'utf8')) as string[][]
    const broker = await startBroker({ settings })
    t.teardown(() => broker.stop())
    const side = new SideOf(await Session.connect(broker), broker)
    t.teardown(() => side.close())
    const { differences, asked } = await compareWithRecorded(kinds, side, expected)
    t.log(`${asked} requests`)
    t.deepEqual(differences, [])
  })

  const live = haveTools && !foreignBroker && ROUNDS > 0 ? test.serial : test.serial.skip
  live(`${name}: beside a real Apache Kafka`, async (t) => {
    t.timeout(120_000 + ROUNDS * 60_000)
    const { dir, remove } = await ownedTempDir()
    t.teardown(remove)
    const kafka = await startKafka({ port: await freePort(), dir, settings })
    t.teardown(() => kafka.stop())
    const sluice = await startBroker({ settings })
    t.teardown(() => sluice.stop())
    const [theirs, ours] = [new SideOf(await Session.connect(kafka), kafka), new SideOf(await Session.connect(sluice), sluice)]
    t.teardown(() => [theirs, ours].forEach((side) => side.close()))
    const { differences, recording } = await compareLive({ kinds, theirs, ours, rounds: ROUNDS, seed: SEED, record: RECORD })
    if (RECORD) await writeFile(path.join(root, 'test/fixtures', recorded), `${JSON.stringify(recording, null, 1)}\n`)
    t.is(differences.join('\n'), '')
  })
}
