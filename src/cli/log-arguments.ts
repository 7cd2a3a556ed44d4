/** The command line of `sluice log`: dump, verify, repair. */
import { InvalidArgumentError, type Command } from 'commander'
import { BYTE_DECODERS, type ByteDecoder } from '../storage/inspect/record-decoders.js'

export type TopicDecoder = 'offsets' | 'transaction-log' | 'cluster-metadata' | 'share-group-state'

export interface DumpRequest {
  readonly action: 'dump'
  readonly paths: readonly string[]
  readonly deep: boolean
  /** Undefined: keys and values are not shown. */
  readonly decoder: TopicDecoder | { readonly keys: ByteDecoder; readonly values: ByteDecoder } | undefined
  readonly skipRecordMetadata: boolean
  readonly maxBytes: number | undefined
  readonly maxMessageSize: number
  readonly verifyIndexOnly: boolean
  readonly indexSanityCheck: boolean
  readonly json: boolean
}

export interface VerifyRequest {
  readonly action: 'verify'
  readonly folder: string
  readonly strict: boolean
  readonly json: boolean
}

export interface RepairRequest {
  readonly action: 'repair'
  readonly folder: string
  /** Do it; else only tell what would be done. */
  readonly yes: boolean
  /** Where bad parts are moved to; undefined: they are left where they are. */
  readonly quarantine: string | undefined
  readonly json: boolean
}

export type LogRequest = DumpRequest | VerifyRequest | RepairRequest

interface DumpCliOptions {
  readonly files?: string
  readonly deepIteration?: true
  readonly printDataLog?: true
  readonly keyDecoderClass?: ByteDecoder
  readonly valueDecoderClass?: ByteDecoder
  readonly offsetsDecoder?: true
  readonly transactionLogDecoder?: true
  readonly clusterMetadataDecoder?: true
  readonly shareGroupStateDecoder?: true
  readonly remoteLogMetadataDecoder?: true
  readonly skipRecordMetadata?: true
  readonly maxBytes?: number
  readonly maxMessageSize?: number
  readonly verifyIndexOnly?: true
  readonly indexSanityCheck?: true
  readonly json?: true
}

const DEFAULT_MAX_MESSAGE_SIZE = 5 * 1024 * 1024

/** Adds the command to the program. `wanted` gets what was asked for. */
export function addLogCommand(program: Command, wanted: (request: LogRequest) => void): void {
  const log = program
    .command('log')
    .description('Look at, verify and repair the files of logs, of Sluice and of Apache Kafka, without a broker.')
    .helpCommand(false)
  addDump(log, wanted)
  log
    .command('verify')
    .description('Read a data folder, or the folder of a partition, and tell everything that is wrong with it. Changes nothing.')
    .argument('<folder>', 'a data folder, or the folder of one partition')
    .option('--strict', 'gaps between offsets are damage too: nothing in the folder is compacted')
    .option('-j, --json', 'a JSON object a line')
    .addHelpText('after', VERIFY_HELP)
    .action((folder: string, { strict, json }: { strict?: true; json?: true }) => {
      wanted({ action: 'verify', folder, strict: strict === true, json: json === true })
    })
  addRepair(log, wanted)
}

function addRepair(log: Command, wanted: (request: LogRequest) => void): void {
  log
    .command('repair')
    .description('Mend a data folder, or the folder of a partition, that no broker uses. Without --yes it only tells what it would do.')
    .argument('<folder>', 'a data folder, or the folder of one partition')
    .option('--dry-run', 'only tell; the default')
    .option('-y, --yes', 'do it')
    .option('-q, --quarantine <folder>', 'where logs go from which bad bytes are taken out')
    .option('-j, --json', 'a JSON object a line')
    .addHelpText('after', REPAIR_HELP)
    .action((folder: string, { yes, dryRun, quarantine, json }: { yes?: true; dryRun?: true; quarantine?: string; json?: true }) => {
      wanted({ action: 'repair', folder, yes: yes === true && dryRun !== true, quarantine, json: json === true })
    })
}

function addDump(log: Command, wanted: (request: LogRequest) => void): void {
  const dump = log
    .command('dump')
    .description("Print what is in the files of a log, line by line as Kafka's kafka-dump-log.sh does.")
    .argument('[paths...]', 'files, or folders of partitions')
    .option('--files <file,...>', "the same, in the form of Kafka's tool")
    .option('--deep-iteration', 'the records of each batch too')
    .option('--print-data-log', 'keys and values of the records')
    .option('--key-decoder-class <decoder>', `how keys are shown: ${Object.keys(BYTE_DECODERS).join(', ')}`, parseDecoder)
    .option('--value-decoder-class <decoder>', 'how values are shown', parseDecoder)
    .option('--offsets-decoder', 'records of __consumer_offsets')
    .option('--transaction-log-decoder', 'records of __transaction_state')
    .option('--cluster-metadata-decoder', 'records of __cluster_metadata')
    .option('--share-group-state-decoder', 'records of __share_group_state')
    .option('--remote-log-metadata-decoder', 'not supported: refused')
    .option('--skip-record-metadata', 'only keys and values of the records')
    .option('--max-bytes <bytes>', 'of each log, from its start', parseBytes)
    .option('--max-message-size <bytes>', `of a batch that an index points to (default: ${DEFAULT_MAX_MESSAGE_SIZE})`, parseBytes)
    .option('--verify-index-only', 'only tell where indexes contradict the log')
    .option('--index-sanity-check', 'only the checks of indexes that a start makes')
    .option('-j, --json', 'a JSON object a line')
    .addHelpText('after', DUMP_HELP)
  dump.action((paths: string[], options: DumpCliOptions) => {
    const all = [...paths, ...(options.files ?? '').split(',').filter((file) => file !== '')]
    if (all.length === 0) dump.error('error: name at least one file or folder')
    if (options.remoteLogMetadataDecoder === true) dump.error('error: --remote-log-metadata-decoder: tiered storage is not supported')
    wanted(dumpRequest(all, options))
  })
}

function dumpRequest(paths: readonly string[], options: DumpCliOptions): DumpRequest {
  const decoder = decoderOf(options)
  return {
    action: 'dump',
    paths,
    deep: options.deepIteration === true || decoder !== undefined,
    decoder,
    skipRecordMetadata: options.skipRecordMetadata === true,
    maxBytes: options.maxBytes,
    maxMessageSize: options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE,
    verifyIndexOnly: options.verifyIndexOnly === true,
    indexSanityCheck: options.indexSanityCheck === true,
    json: options.json === true
  }
}

// In the order in which Kafka's tool prefers them.
function decoderOf(options: DumpCliOptions): DumpRequest['decoder'] {
  if (options.offsetsDecoder === true) return 'offsets'
  if (options.transactionLogDecoder === true) return 'transaction-log'
  if (options.clusterMetadataDecoder === true) return 'cluster-metadata'
  if (options.shareGroupStateDecoder === true) return 'share-group-state'
  const { printDataLog, keyDecoderClass, valueDecoderClass } = options
  if (printDataLog !== true && keyDecoderClass === undefined && valueDecoderClass === undefined) return undefined
  return { keys: keyDecoderClass ?? 'string', values: valueDecoderClass ?? 'string' }
}

// Also by the class names of Kafka: org.apache.kafka.tools.api.LongDecoder.
function parseDecoder(text: string): ByteDecoder {
  const name = text
    .replace(/^.*\./, '')
    .replace(/Decoder$/, '')
    .toLowerCase()
  if (!Object.hasOwn(BYTE_DECODERS, name)) throw new InvalidArgumentError(`Decoders are ${Object.keys(BYTE_DECODERS).join(', ')}.`)
  return name as ByteDecoder
}

function parseBytes(text: string): number {
  const bytes = Number(text)
  if (!/^\d+$/.test(text) || bytes < 1 || !Number.isSafeInteger(bytes)) throw new InvalidArgumentError('A number of bytes, at least 1.')
  return bytes
}

const DUMP_HELP = `
Shown are .log, .checkpoint, .index, .timeindex, .txnindex and .snapshot files, and checkpoints and properties by their names.
No broker is needed, and one that runs is not disturbed.

Exit code: 0, 1 when a file could not be read to its end, 2 for wrong usage.

Examples:
  sluice log dump data/orders-0                                        everything in the folder of a partition
  sluice log dump --print-data-log data/orders-0/00000000000000000000.log
  sluice log dump --offsets-decoder data/__consumer_offsets-0
  sluice log dump --json --deep-iteration data/orders-0 | jq .`

const VERIFY_HELP = `
Every batch, its CRC, its records; offsets and leader epochs; offset, time and transaction indexes against the logs; producer snapshots;
checkpoints. Files that are not a log's own are named and left alone. A note is nothing that is wrong with the data.

Exit code: 0 sound, 1 something is damaged, or could not be read, 2 for wrong usage.

Examples:
  sluice log verify data                a data folder with all its partitions
  sluice log verify data/orders-0       one partition
  sluice log verify --json data | jq .`

const REPAIR_HELP = `
Made anew from the logs: offset, time and transaction indexes. Cut off: the torn end of a log. Set aside: producer snapshots that are
broken or contradict the log. Bad bytes with sound batches behind them are never deleted: they are explained, with the offsets that are
lost, and with --quarantine the original file is moved there and what is sound stays, with a gap as compaction leaves it.

Exit code: 0 nothing damaged is left, 1 something is, or it could not be done, 2 for wrong usage.

Examples:
  sluice log repair data                             what would be done
  sluice log repair --yes data
  sluice log repair --yes --quarantine bad data/orders-0`
