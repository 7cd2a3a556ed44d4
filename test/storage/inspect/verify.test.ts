/** `sluice log verify` finds nothing in sound folders, and everything that was broken on purpose. */
import { appendFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { endTransactionBatch, RecordBatchBuilder } from '../../../src/record/index.js'
import { crc32c } from '../../../src/record/crc32c.js'
import type { Finding } from '../../../src/storage/inspect/findings.js'
import { repairData, type RepairStep } from '../../../src/storage/inspect/repair.js'
import { verifyData } from '../../../src/storage/inspect/verify-data.js'
import { unpackGolden } from '../../support/golden-log.js'
import { compacted } from '../cleaner/compacted.js'
import { append, appendBytes, readAll, startEngine, temporaryFolder, TOPIC_ID, values } from '../support.js'

async function findings(folder: string): Promise<{ damage: string[]; notes: string[] }> {
  const all: Finding[] = []
  await verifyData(folder, { tell: (finding) => void all.push(finding) })
  const of = (level: string) => all.filter((one) => one.level === level).map(({ file, message }) => `${file}: ${message}`)
  return { damage: of('damage'), notes: of('note') }
}

/** A folder with several segments, codecs, an idempotent producer and transactions. */
async function filled(t: ExecutionContext): Promise<string> {
  const engine = await startEngine(t, { topic: { 'internal.segment.bytes': '12000', 'index.interval.bytes': '1000' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 24; round++) {
    await append(engine, log, values(5, `r${round}-`, 100), { producerId: 7, producerEpoch: 0, baseSequence: round * 5 })
    const builder = new RecordBatchBuilder({ timestamp: engine.clock.now() })
    for (const record of values(5, `c${round}-`, 100)) builder.append(record)
    await appendBytes(engine, log, await builder.buildCompressed(round % 5), 'client')
    await append(engine, log, values(2), { producerId: 9, producerEpoch: round, baseSequence: 0, transactional: true })
    const marker = { producerId: 9, producerEpoch: round, commit: true, coordinatorEpoch: 3, timestamp: engine.clock.now() }
    await appendBytes(engine, log, endTransactionBatch(marker), 'coordinator')
  }
  await engine.stop()
  return engine.dir
}

test('a folder of Kafka after a clean stop is sound', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const { damage } = await findings(dir)
  t.deepEqual(damage, [])
})

test('of a folder of a running Kafka, only the torn end and what is not written yet is told', async (t) => {
  const { damage } = await findings(await unpackGolden(t, 'unclean'))
  t.deepEqual(
    damage.filter((line) => !line.startsWith('plain-0/')),
    []
  )
  t.regex(damage[0]!, /^plain-0\/\d+\.log: bytes \d+ to \d+, from offset 450 on, are no whole batch: .*a start cuts them off/)
})

test('a folder of this engine is sound', async (t) => {
  const dir = await filled(t)
  t.deepEqual((await findings(dir)).damage, [])
  t.deepEqual((await findings(path.join(dir, 't-0'))).damage, [])
})

test('a folder, or a link that leads nowhere, is noted, and damage where a log needs the name', async (t) => {
  const dir = await filled(t)
  await mkdir(path.join(dir, 't-0', '00000000000000009999.log'))
  await symlink('/nowhere/else', path.join(dir, 't-0', '00000000000000008888.index'))
  await mkdir(path.join(dir, 't-0', '00000000000000009999.log.deleted'))
  const { damage, notes } = await findings(dir)
  t.is(
    damage.filter((line) => /0000(9999\.log|8888\.index): is no file: the log can not be opened/.test(line)).length,
    2,
    damage.join('\n')
  )
  t.is(damage.length, 2)
  t.is(notes.filter((line) => line.includes('9999.log.deleted')).length, 1, notes.join('\n'))
})

test('a partition that can not be read is named, and the others are verified', async (t) => {
  const dir = await filled(t)
  await writeFile(path.join(dir, 'file-0'), '')
  await symlink('nowhere', path.join(dir, 'gone-0'))
  await flip(path.join(dir, 't-0', first('index')), 7)
  const { damage, notes } = await findings(dir)
  t.is(damage.length, 2, damage.join('\n'))
  t.regex(damage[0]!, /^gone-0: it can not be read \(ENOENT/)
  t.regex(damage[1]!, /^t-0.*\.index: no batch begins at/)
  t.true(notes.includes('file-0: is no folder; it is left alone'), notes.join('\n'))
})

test('a compacted log of this engine is sound; gaps are noted', async (t) => {
  const { damage, notes } = await findings((await compacted(t)).folder)
  t.deepEqual(damage, [])
  t.is(notes.filter((line) => /offsets \d+ to \d+ are missing, as compaction leaves it/.test(line)).length, 1)
})

test('a producer snapshot of an offset that compaction took away is sound, one behind the end is not', async (t) => {
  const { folder } = await compacted(t)
  const gap = /offsets \d+ to (\d+) are missing/.exec((await findings(folder)).notes.join('\n'))
  const snapshot = (offset: number) => path.join(folder, `${String(offset).padStart(20, '0')}.snapshot`)
  const newest = (await readdir(folder)).findLast((name) => name.endsWith('.snapshot'))!
  await cp(path.join(folder, newest), snapshot(Number(gap![1]) + 1))
  t.deepEqual((await findings(folder)).damage, [])
  await cp(path.join(folder, newest), snapshot(99_999))
  t.regex((await findings(folder)).damage.join('\n'), /^0+99999\.snapshot: is of offset 99999, the log ends at \d+$/)
})

const breakages: readonly [name: string, wreck: (folder: string, log: string) => Promise<unknown>, found: RegExp, mended: boolean][] = [
  [
    'a flipped bit in a batch',
    (_, log) => flip(log, 700),
    /\.log: bytes \d+ to \d+, from offset \d+ on, are no sound batch: its CRC/,
    false
  ],
  ['a length that is none', (_, log) => flip(log, 8), /\.log: bytes 0 to \d+, from offset 0 on, are no sound batch: it claims/, false],
  ['a missing offset index', (folder) => rm(path.join(folder, first('index'))), /\.index: is missing/, true],
  ['a missing time index', (folder) => rm(path.join(folder, first('timeindex'))), /\.timeindex: is missing/, true],
  ['a wrong offset index', (folder) => flip(path.join(folder, first('index')), 7), /\.index: no batch begins at/, true],
  [
    'a wrong time index',
    (folder) => flip(path.join(folder, first('timeindex')), 7),
    /\.timeindex: up to offset \d+ the largest timestamp is/,
    true
  ],
  [
    'half an index entry',
    (folder) => appendFile(path.join(folder, first('index')), 'abc'),
    /\.index: \d+ bytes are no whole entries of 8/,
    true
  ],
  [
    'a torn end',
    async (folder) => appendFile(path.join(folder, await last(folder)), (await readFile(path.join(folder, first('log')))).subarray(0, 90)),
    /no whole batch: .*; a start cuts them off/,
    true
  ],
  ['epochs of another version', (folder) => writeFile(path.join(folder, 'leader-epoch-checkpoint'), '7\n0\n'), /unknown version 7/, false],
  [
    'a topic id that is none',
    (folder) => writeFile(path.join(folder, 'partition.metadata'), 'version: 0\ntopic_id: x'),
    /names no topic id/,
    false
  ],
  ['a broken snapshot', async (folder) => flip(path.join(folder, (await snapshots(folder)).at(-1)!), 20), /\.snapshot: .*CRC/, true]
]

for (const [name, wreck, found, mended] of breakages) {
  test(`${name} is found${mended ? ' and mended' : ''}`, async (t) => {
    const dir = await filled(t)
    const folder = path.join(dir, 't-0')
    await wreck(folder, path.join(folder, first('log')))
    const before = await snapshotOf(dir)
    const { damage } = await findings(dir)
    t.true(
      damage.some((line) => found.test(line)),
      damage.join('\n')
    )
    t.true(damage.length < 30, damage.join('\n'))
    t.deepEqual(await snapshotOf(dir), before)
    await repair(dir, { dryRun: true })
    t.deepEqual(await snapshotOf(dir), before)
    const { whole } = await repair(dir)
    t.is(whole, mended)
    const left = await findings(dir)
    t.is(left.damage.length === 0, mended, left.damage.join('\n'))
  })
}

function first(suffix: string): string {
  return `00000000000000000000.${suffix}`
}

async function last(folder: string): Promise<string> {
  return (await readdir(folder))
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .at(-1)!
}

async function snapshots(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.snapshot')).toSorted()
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[at]! ^= 0x81
  await writeFile(file, bytes)
}

/** Names and checksums of everything. */
async function snapshotOf(dir: string): Promise<[string, number][]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  return Promise.all(
    files.toSorted().map(async (file): Promise<[string, number]> => [path.relative(dir, file), crc32c(await readFile(file))])
  )
}

async function repair(
  dir: string,
  options: { dryRun?: boolean; quarantine?: string } = {}
): Promise<{ steps: RepairStep[]; whole: boolean }> {
  const steps: RepairStep[] = []
  const whole = await repairData(dir, { dryRun: false, quarantine: undefined, ...options, tell: (step) => void steps.push(step) })
  return { steps, whole }
}

test('a missing transaction index is found, and made as it was', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const folder = path.join(dir, 'txn-0')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.txnindex'))
  const kept = new Map<string, Buffer>()
  for (const name of names) kept.set(name, await readFile(path.join(folder, name)))
  const [used] = [...kept].find(([, bytes]) => bytes.length > 0)!
  await rm(path.join(folder, used))
  const { damage } = await findings(folder)
  t.true(damage.every((line) => line.includes(`${used}: the aborted transaction of producer`)) && damage.length > 0, damage.join('\n'))
  t.true((await repair(folder)).whole)
  t.deepEqual(await readFile(path.join(folder, used)), kept.get(used))
})

test('a transaction index whose last stable offsets are those of a replica of Kafka is sound, one with others is not', async (t) => {
  const folder = path.join(await unpackGolden(t, 'clean'), 'txn-0')
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => ({ name, bytes: await readFile(path.join(folder, name)) })))
  const { name, bytes } = sizes.find((one) => one.name.endsWith('.txnindex') && one.bytes.length > 0)!
  const stable = bytes.readBigInt64BE(26)
  const withStable = async (offset: bigint) => {
    bytes.writeBigInt64BE(offset, 26)
    await writeFile(path.join(folder, name), bytes)
    return findings(folder)
  }
  const later = await withStable(stable + 1n)
  t.deepEqual(later.damage, [])
  t.deepEqual(later.notes, [`${name}: of 1 aborted transactions the last stable offset is behind that of the log, as Kafka copies it`])
  t.regex(
    (await withStable(stable - 1n)).damage.join(),
    /last stable offset behind producer \d+, offsets \d+ to \d+ is \d+, by the log \d+/
  )
  t.is((await withStable(1n << 50n)).damage.length, 1)
  t.true((await repair(folder)).whole)
  t.deepEqual(await findings(folder), { damage: [], notes: [] })
  t.is((await readFile(path.join(folder, name))).readBigInt64BE(26), stable)
})

test('a transaction index of a log that lost its beginning is made from what is there', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const folder = path.join(dir, 'txn-0')
  const names = await readdir(folder)
  const bases = names.filter((name) => name.endsWith('.log')).toSorted()
  for (const name of names) if (/^\d/.test(name) && name < bases[1]!.slice(0, 20)) await rm(path.join(folder, name))
  const last = names.findLast((name) => name.endsWith('.txnindex') && name > bases[1]!)!
  await rm(path.join(folder, last))
  t.true((await findings(folder)).damage.length > 0)
  t.true((await repair(folder)).whole)
  t.deepEqual((await findings(folder)).damage, [])
  t.true((await readFile(path.join(folder, last))).length > 0)
})

test('bad bytes in the middle of a closed segment stay until there is a quarantine, then the rest is served', async (t) => {
  const dir = await filled(t)
  const file = path.join(dir, 't-0', first('log'))
  const bytes = await readFile(file)
  bytes.fill(0xee, 2000, 2600)
  await writeFile(file, bytes)
  const explained = await repair(dir)
  t.false(explained.whole)
  t.regex(
    explained.steps.map(({ message }) => message).join('\n'),
    /bytes \d+ to \d+ \(.*\) are bad; lost are offsets \d+ to \d+\. With --quarantine/
  )
  t.deepEqual(await readFile(file), bytes)
  await t.throwsAsync(repair(dir, { quarantine: '/proc/none' }), { code: 'ENOENT' })
  t.deepEqual(await readFile(file), bytes)
  const quarantine = path.join(await temporaryFolder(t), 'bad')
  t.true((await repair(dir, { quarantine })).whole)
  t.deepEqual(await readFile(path.join(quarantine, 't-0', first('log'))), bytes)
  t.deepEqual((await findings(dir)).damage, [])
  const engine = await startEngine(t, { dir })
  const records = await readAll((await engine.manager.whenReady('t', 0))!)
  t.is(records[0]!.offset, 0)
  t.true(records.length > 200)
})

test('a folder without a partition is left as it is, and judged as by verify', async (t) => {
  const dir = await temporaryFolder(t)
  for (const [name, message] of [
    ['', 'is missing: the folder is empty'],
    ['README', 'is missing: no broker takes the folder for its own']
  ] as const) {
    if (name !== '') await writeFile(path.join(dir, name), '')
    t.deepEqual((await findings(dir)).damage, [`meta.properties: ${message}`])
    t.deepEqual(await repair(dir), { steps: [{ action: 'left', file: 'meta.properties', message }], whole: false })
    t.deepEqual(await readdir(dir), name === '' ? [] : [name])
  }
})

test('what is damaged beside the partitions, or keeps one from being read, is left and the others are mended', async (t) => {
  const dir = await filled(t)
  await symlink('nowhere', path.join(dir, 'gone-0'))
  await writeFile(path.join(dir, 'file-0'), '')
  await writeFile(path.join(dir, 'log-start-offset-checkpoint'), 'x')
  await rm(path.join(dir, 't-0', first('index')))
  const { steps, whole } = await repair(dir)
  t.false(whole)
  t.deepEqual(
    steps.map(({ action, file }) => `${action} ${file}`),
    ['left gone-0', 'left log-start-offset-checkpoint', `rebuild t-0/${first('index')}`]
  )
  t.deepEqual(
    (await findings(dir)).damage.map((line) => line.split(':')[0]),
    ['gone-0', 'log-start-offset-checkpoint']
  )
})

test('foreign files are named and stay; a checkpoint that says too much is damage', async (t) => {
  const dir = await filled(t)
  await writeFile(path.join(dir, 'README'), 'mine')
  await writeFile(path.join(dir, 't-0', 'notes.txt'), 'mine too')
  await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), '0\n2\nt 0 100000\ngone 3 5\n')
  const { damage, notes } = await findings(dir)
  t.deepEqual(
    damage.map((line) => line.replace(/at \d+$/, 'at N')),
    ['recovery-point-offset-checkpoint: t-0: the offset 100000 lies behind the end of its log at N']
  )
  for (const line of ['README: is not of a data folder', 't-0/notes.txt: is not a file of a log', 'names gone-3'])
    t.true(
      notes.some((note) => note.includes(line)),
      line
    )
  await repair(dir)
  t.is(await readFile(path.join(dir, 't-0', 'notes.txt'), 'utf8'), 'mine too')
})

test('repair refuses a folder that a broker holds', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(3))
  await t.throwsAsync(repair(engine.dir), { message: /in use by a broker/ })
  await t.throwsAsync(repair(path.join(engine.dir, 't-0')), { message: /in use by a broker/ })
  await t.throwsAsync(repair(engine.dir, { dryRun: true }), { message: /in use by a broker/ })
  const copy = path.join(await temporaryFolder(t), 'copy')
  await cp(engine.dir, copy, { recursive: true, filter: (from) => !from.endsWith('.sock') })
  await t.notThrowsAsync(repair(copy))
})
