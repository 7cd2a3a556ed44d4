/** Apache Kafka's command-line tools for administration, as they are, against the broker. Those of one test share a JVM. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTools, startTool, type ToolName } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { ownedTempDir } from '../support/temp-dir.js'

const toolTest = haveTools ? test.serial : test.serial.skip
let broker: TestBroker
let folder: Awaited<ReturnType<typeof ownedTempDir>>

if (haveTools) {
  test.before(async () => {
    folder = await ownedTempDir()
    broker = await startBroker({ topics: { admin: 2 } })
  })
  test.after.always(async () => {
    await broker.stop()
    await folder.remove()
  })
}

/** Tool and arguments, without the broker's address, as they are written in a shell; and what it must say. `fails`: it must, but not end well. */
interface Step {
  readonly run: readonly [name: ToolName, ...args: string[]]
  readonly says?: readonly (RegExp | string)[]
  readonly silentOf?: RegExp
  readonly fails?: boolean
}

/** Where a tool wants its command first. */
const COMMANDS_FIRST: ReadonlySet<ToolName> = new Set(['cluster'])

async function steps(t: ExecutionContext, all: readonly Step[]): Promise<void> {
  const address = ['--bootstrap-server', broker.bootstrap]
  const results = await runTools(
    all.map(({ run: [name, ...args] }) => (COMMANDS_FIRST.has(name) ? [name, ...args, ...address] : [name, ...address, ...args]))
  )
  for (const [at, { run, says = [], silentOf, fails = false }] of all.entries()) {
    const { code, text } = results[at]!
    const shown = `${run.join(' ')}:\n${text}`
    if (!fails) t.is(code, 0, shown)
    for (const expected of says) {
      if (typeof expected === 'string') t.true(text.includes(expected), `${expected} in ${shown}`)
      else t.regex(text, expected, shown)
    }
    if (silentOf) t.notRegex(text, silentOf, shown)
  }
}

async function file(name: string, content: string | object): Promise<string> {
  const at = path.join(folder.dir, name)
  await writeFile(at, typeof content === 'string' ? content : JSON.stringify(content))
  return at
}

toolTest('kafka-configs: quotas of clients, users and addresses', async (t) => {
  const client = ['--entity-type', 'clients', '--entity-name', uniqueName('client')]
  const user = ['--entity-type', 'users', '--entity-name', 'alice']
  const everybody = ['--entity-type', 'users', '--entity-default', '--entity-type', 'clients', '--entity-name', 'c']
  const address = ['--entity-type', 'ips', '--entity-name', '10.1.2.3']
  await steps(t, [
    { run: ['configs', '--alter', ...client, '--add-config', 'producer_byte_rate=1048576,request_percentage=12.5'] },
    { run: ['configs', '--alter', ...address, '--add-config', 'connection_creation_rate=10'] },
    { run: ['configs', '--alter', ...user, '--add-config', 'consumer_byte_rate=2048'] },
    { run: ['configs', '--alter', ...everybody, '--add-config', 'controller_mutation_rate=100'] },
    { run: ['configs', '--describe', ...client], says: [/producer_byte_rate=1048576/, /request_percentage=12\.5/] },
    { run: ['configs', '--describe', ...address], says: [/connection_creation_rate=10/] },
    { run: ['configs', '--describe', ...user], says: [/Quota configs for user-principal 'alice' are consumer_byte_rate=2048/] },
    { run: ['configs', '--describe', ...everybody], says: [/the default user-principal, client-id 'c' are controller_mutation_rate=100/] },
    { run: ['configs', '--alter', ...client, '--delete-config', 'producer_byte_rate'] },
    { run: ['configs', '--describe', ...client], silentOf: /producer_byte_rate/ },
    {
      run: ['configs', '--alter', ...client, '--add-config', 'producer_byte_rate=-1'],
      fails: true,
      says: [/must be greater than 0|[Ii]nvalid/]
    }
  ])
})

toolTest('kafka-configs: credentials, groups, loggers and settings of brokers', async (t) => {
  const user = ['--entity-type', 'users', '--entity-name', uniqueName('user')]
  const group = ['--entity-type', 'groups', '--entity-name', uniqueName('group')]
  const loggers = ['--entity-type', 'broker-loggers', '--entity-name', '1']
  const brokers = ['--entity-type', 'brokers', '--entity-default']
  const own = ['--entity-type', 'brokers', '--entity-name', '1']
  // The one that Apache Kafka has as well.
  await steps(t, [
    { run: ['configs', '--alter', ...user, '--add-config', 'SCRAM-SHA-256=[iterations=8192,password=secret]'] },
    { run: ['configs', '--describe', ...user], says: [/SCRAM-SHA-256=iterations=8192/] },
    { run: ['configs', '--alter', ...user, '--delete-config', 'SCRAM-SHA-256'] },
    { run: ['configs', '--alter', ...group, '--add-config', 'consumer.session.timeout.ms=50000'] },
    { run: ['configs', '--describe', ...group], says: [/consumer\.session\.timeout\.ms=50000/] },
    {
      run: ['configs', '--alter', ...group, '--add-config', 'consumer.session.timeout.ms=5'],
      fails: true,
      says: [/must be greater than or equal to group\.consumer\.min\.session\.timeout\.ms/]
    },
    { run: ['configs', '--alter', ...loggers, '--add-config', 'root=WARN'] },
    { run: ['configs', '--describe', ...loggers], says: [/root=WARN/] },
    { run: ['configs', '--alter', ...loggers, '--add-config', 'root=INFO'] },
    { run: ['configs', '--alter', ...brokers, '--add-config', 'log.cleaner.threads=2'] },
    { run: ['configs', '--describe', ...brokers], says: [/log\.cleaner\.threads=2/] },
    { run: ['configs', '--alter', ...brokers, '--delete-config', 'log.cleaner.threads'] },
    { run: ['configs', '--alter', ...own, '--add-config', 'listener.name.plaintext.max.connections=50'] },
    { run: ['configs', '--describe', ...own], says: [/listener\.name\.plaintext\.max\.connections=50/] },
    { run: ['configs', '--alter', ...own, '--delete-config', 'listener.name.plaintext.max.connections'] },
    { run: ['configs', '--alter', ...brokers, '--add-config', 'node.id=7'], fails: true, says: [/node\.id/] }
  ])
})

toolTest('kafka-client-metrics: a subscription is made, described, listed and deleted', async (t) => {
  const name = uniqueName('subscription')
  await steps(t, [
    {
      run: ['client-metrics', '--alter', '--name', name, '--metrics', 'org.apache.kafka', '--interval', '5000', '--match', 'client_id=x.*']
    },
    { run: ['client-metrics', '--describe', '--name', name], says: [/interval\.ms=5000/, /match=client_id=x\.\*/] },
    { run: ['client-metrics', '--list'], says: [name] },
    { run: ['configs', '--describe', '--entity-type', 'client-metrics', '--entity-name', name], says: [/metrics=org\.apache\.kafka/] },
    { run: ['client-metrics', '--delete', '--name', name] },
    { run: ['client-metrics', '--list'], silentOf: new RegExp(name) }
  ])
})

toolTest('kafka-features and kafka-metadata-quorum', async (t) => {
  const version = /metadata\.version\s+SupportedMinVersion: 3\.3-IV3\s+SupportedMaxVersion: 4\.3-IV0\s+FinalizedVersionLevel: 4\.3-IV0/
  const voter = ['--controller-id', '9', '--controller-directory-id', 'AbCdEfGhIjKlMnOpQrStUg']
  await steps(t, [
    { run: ['features', 'describe'], says: [version, /group\.version/] },
    { run: ['features', 'downgrade', '--feature', 'share.version=0', '--dry-run'] },
    { run: ['features', 'downgrade', '--feature', 'share.version=0'] },
    { run: ['features', 'upgrade', '--feature', 'share.version=1'], says: [/share\.version was upgraded to 1/] },
    { run: ['features', 'upgrade', '--feature', 'share.version=7'], fails: true, says: [/only supports versions 0-1/] },
    { run: ['metadata-quorum', 'describe', '--status'], says: [/LeaderId:\s+1/, /CurrentVoters:.*"id": 1/] },
    { run: ['metadata-quorum', 'describe', '--replication'], says: [/^1\s.*Leader/m] },
    { run: ['metadata-quorum', 'remove-controller', ...voter], fails: true, says: [/voter/i] }
  ])
})

toolTest('kafka-leader-election and kafka-reassign-partitions', async (t) => {
  const plan = await file('plan.json', { version: 1, partitions: [{ topic: 'admin', partition: 0, replicas: [1], log_dirs: ['any'] }] })
  const wrong = await file('wrong.json', { version: 1, partitions: [{ topic: 'admin', partition: 1, replicas: [2] }] })
  const topics = await file('topics.json', { version: 1, topics: [{ topic: 'admin' }] })
  await steps(t, [
    { run: ['leader-election', '--election-type', 'preferred', '--all-topic-partitions'], silentOf: /[Ee]rror/ },
    {
      run: ['leader-election', '--election-type', 'preferred', '--topic', 'admin', '--partition', '0'],
      says: [/Valid replica already elected for partitions admin-0/]
    },
    {
      run: ['reassign-partitions', '--topics-to-move-json-file', topics, '--broker-list', '1', '--generate'],
      says: [/Proposed partition/]
    },
    { run: ['reassign-partitions', '--reassignment-json-file', plan, '--execute'], says: [/Successfully started partition reassignment/] },
    {
      run: ['reassign-partitions', '--reassignment-json-file', plan, '--verify'],
      says: [/Reassignment of partition admin-0 is completed/]
    },
    { run: ['reassign-partitions', '--list'], says: [/No partition reassignments found/] },
    { run: ['reassign-partitions', '--reassignment-json-file', plan, '--cancel'], says: [/None of the specified partition reassignments/] },
    { run: ['reassign-partitions', '--reassignment-json-file', wrong, '--execute'], fails: true, says: [/2/] }
  ])
})

toolTest('kafka-acls, kafka-delegation-tokens, kafka-cluster, kafka-groups, kafka-log-dirs, kafka-e2e-latency', async (t) => {
  const client = await file('client.properties', 'request.timeout.ms=10000\n')
  const allow = ['--allow-principal', 'User:a', '--operation', 'Read', '--topic', 'admin']
  await steps(t, [
    { run: ['acls', '--list'], fails: true, says: [/No Authorizer is configured/] },
    { run: ['acls', '--add', ...allow], fails: true, says: [/No Authorizer is configured/] },
    { run: ['delegation-tokens', '--describe', '--command-config', client], fails: true, says: [/Delegation Token/i] },
    { run: ['cluster', 'list-endpoints'], says: [broker.host, String(broker.port)] },
    { run: ['cluster', 'unregister', '--id', '7777'], fails: true, says: [/not currently registered|not registered/] },
    { run: ['groups', '--list'] },
    { run: ['log-dirs', '--describe'], says: [/"partition":"admin-1"/] },
    {
      run: ['e2e-latency', '--topic', 'admin', '--num-records', '50', '--producer-acks', '1', '--record-size', '100'],
      says: [/Avg latency/]
    },
    { run: ['broker-api-versions'], says: [/AlterClientQuotas\(49\): 0 to 1/] }
  ])
})

toolTest('kafka-replica-verification finds no lag', async (t) => {
  const args = ['--broker-list', broker.bootstrap, '--report-interval-ms', '200', '--topics-include', 'admin']
  const child = await startTool('replica-verification', args)
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout!)
  const signal = AbortSignal.timeout(30_000)
  for (;;) {
    const [line] = (await once(lines, 'line', { signal })) as [string]
    if (!line.includes('max lag')) continue
    t.regex(line, /max lag is 0 for partition admin-\d at offset \d+ among 2 partitions/)
    return
  }
})
