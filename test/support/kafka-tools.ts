/** Apache Kafka's own command-line tools, by the names that its distribution gives the scripts (`topics` = kafka-topics.sh). */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { available } from './available.js'
import { root, run, type Finished, type RunOptions } from './processes.js'

const classes = {
  acls: 'org.apache.kafka.tools.AclCommand',
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'delegation-tokens': 'org.apache.kafka.tools.DelegationTokenCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'replica-verification': 'org.apache.kafka.tools.ReplicaVerificationTool',
  'streams-application-reset': 'org.apache.kafka.tools.StreamsResetter',
  topics: 'org.apache.kafka.tools.TopicCommand',
  'transactional-message-copier': 'org.apache.kafka.tools.TransactionalMessageCopier',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
  'verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer'
} as const

export type ToolName = keyof typeof classes

/** Short runs: a small heap, one collector thread and the fast compiler halve what a JVM costs (measured: 0.92 s to 0.62 s for `topics --list`). */
const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true']

/** Runs one tool to its end. Warnings of its log go to `stderr`. Only for tests declared with `available('kafka-tools')`. */
export async function runTool(name: ToolName, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run('java', await commandLine(name, args), options)
}

/** Starts a tool that runs until it is told to end; the caller ends it. `warnings`: what becomes of those in its log. */
export async function startTool(
  name: ToolName,
  args: readonly string[],
  { warnings = 'inherit' }: { readonly warnings?: 'inherit' | 'ignore' } = {}
): Promise<ChildProcess> {
  return spawn('java', await commandLine(name, args), { cwd: root, stdio: ['ignore', 'pipe', warnings] })
}

/** The arguments of `java` that run a program of one source file. */
export async function javaProgram(file: string, args: readonly string[]): Promise<string[]> {
  return [...(await javaOptions()), file, ...args]
}

/** Compiles a program of one source file into a folder: for one that is started often. Its class runs with `javaArguments(folder)`. */
export async function compileJava(file: string, folder: string): Promise<void> {
  const tools = await installed
  if (!tools.found) throw new Error(tools.reason)
  // Only the launcher knows what a star means.
  const jars = readdirSync(tools.product).map((name) => path.join(tools.product, name))
  const compiler = ['-m', 'jdk.compiler/com.sun.tools.javac.Main', '-d', folder, '-cp', jars.join(':'), file]
  const { code, stdout, stderr } = await run('java', compiler, { timeoutMs: 120_000 })
  if (code !== 0) throw new Error(`${file} cannot be compiled:\n${stdout}${stderr}`)
}

/** The arguments of `java` before the name of a class that is in `folder`. */
export async function javaArguments(folder: string): Promise<string[]> {
  return javaOptions(folder)
}

async function commandLine(name: ToolName, args: readonly string[]): Promise<string[]> {
  return [...(await javaOptions()), classes[name], ...args]
}

async function javaOptions(classes?: string): Promise<string[]> {
  const tools = await installed
  if (!tools.found) throw new Error(tools.reason)
  const logging = `-Dlog4j2.configurationFile=${path.join(root, 'scripts/kafka/log4j2.properties')}`
  return [...JVM, logging, '-cp', `${classes === undefined ? '' : `${classes}:`}${tools.product}/*`]
}

export interface ToolRun {
  readonly code: number
  /** Of both outputs. */
  readonly text: string
}

/** Runs tools one after the other in one JVM: each costs a fraction of a second then. Arguments must not hold tabs or line ends. */
export async function runTools(runs: readonly (readonly [name: ToolName, ...args: string[]])[]): Promise<ToolRun[]> {
  const input = runs.map(([name, ...args]) => `${[classes[name], ...args].join('\t')}\n`).join('')
  const driver = await javaProgram(path.join(root, 'scripts/kafka/Tools.java'), [])
  const { stdout, stderr } = await run('java', driver, { input, timeoutMs: 120_000 })
  const lines = stdout.split('\n').filter(Boolean)
  if (lines.length !== runs.length) throw new Error(`${lines.length} of ${runs.length} tools were run:\n${stdout}${stderr}`)
  return lines.map((line) => {
    const [code = '', text = ''] = line.split('\t')
    return { code: Number(code), text: Buffer.from(text, 'base64').toString() }
  })
}

/** Asked once for each test file. */
const installed = available('kafka-tools')

/** True if this machine has the tools. */
export const haveTools = (await installed).found
