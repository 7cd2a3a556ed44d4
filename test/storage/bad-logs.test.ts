/** Folders of logs that are not as they should be: a start names what it finds, and deletes nothing that it did not understand. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { decodeBatches } from '../../src/record/index.js'
import { append, readAll, startEngine, TOPIC_ID, values, type Engine } from './support.js'

const topic = { 'internal.segment.bytes': '4000', 'index.interval.bytes': '500' }

/** A log of several segments, of two leader epochs; stopped in an orderly way unless `killed`. */
async function filled(t: ExecutionContext, killed = false): Promise<{ dir: string; folder: string; bases: string[] }> {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 30; round++) {
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: round * 5 }
    await append(engine, log, values(5, `r${round}-`, 100), producer, round < 15 ? 0 : 3)
  }
  await (killed ? engine.drop() : engine.stop())
  const folder = path.join(engine.dir, 't-0')
  const bases = (await readdir(folder)).filter((name) => name.endsWith('.log')).toSorted()
  t.true(bases.length > 3)
  return { dir: engine.dir, folder, bases: bases.map((name) => name.slice(0, 20)) }
}

async function reopened(t: ExecutionContext, dir: string): Promise<{ engine: Engine; lines: string }> {
  const engine = await startEngine(t, { dir, topic })
  await engine.manager.whenReady('t', 0)
  return { engine, lines: engine.lines.join('\n') }
}

/** The next start reads everything. */
function fromTheStart(dir: string): Promise<void> {
  return writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), '0\n1\nt 0 0\n')
}

test('foreign files are named and left alone', async (t) => {
  const { dir, folder } = await filled(t)
  const names = ['00000000000000000000.log.bak', '12.log', 'core', 'notes.txt']
  for (const name of names) await writeFile(path.join(folder, name), 'mine')
  const { engine, lines } = await reopened(t, dir)
  t.regex(lines, /t-0 holds what is not a log's: .*, .*, .* and 1 more; it is left alone/)
  t.is((await readAll(engine.manager.get('t', 0)!)).length, 150)
  await engine.stop()
  for (const name of names) t.is(await readFile(path.join(folder, name), 'utf8'), 'mine')
})

test('folders and links that lead nowhere are no files of a log that is gone', async (t) => {
  const { dir, folder } = await filled(t)
  await mkdir(path.join(folder, '00000000000000009999.log.deleted'))
  await symlink('/nowhere/else', path.join(folder, '00000000000000008888.log.cleaned'))
  const { engine, lines } = await reopened(t, dir)
  t.regex(lines, /t-0 holds what is not a log's: 0000000000000000\d+\.log\.\w+, 0000000000000000\d+\.log\.\w+; it is left alone/)
  t.is(engine.manager.get('t', 0)!.endOffset, 150)
})

/** What opening would wait for, read for ever, or not find. */
const NO_FILES: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  fifo: async (file) => execFileSync('mkfifo', [file]),
  folder: (file) => mkdir(file),
  socket: (file) => once(createServer().listen({ path: file }).unref(), 'listening'),
  device: (file) => symlink('/dev/zero', file),
  'dead link': (file) => symlink('/nowhere/else', file)
}

for (const [kind, make] of Object.entries(NO_FILES)) {
  test(`a ${kind} in place of a file: the log is not opened and the file named, others serve`, async (t) => {
    const { dir, folder, bases } = await filled(t)
    const files = [
      `${bases[1]}.log`,
      `${bases.at(-1)}.log`,
      `${bases.at(-1)}.index`,
      '00000000000000009999.timeindex',
      '00000000000000000150.snapshot'
    ]
    // A dead link is no checkpoint at all.
    if (kind !== 'dead link') files.push('leader-epoch-checkpoint', 'partition.metadata')
    for (const [at, name] of files.entries()) {
      const file = path.join(folder, name)
      const kept = `${file}.kept`
      const there = await rename(file, kept).then(
        () => true,
        () => false
      )
      await make(file)
      const engine = await startEngine(t, { dir, topic })
      await t.throwsAsync(engine.manager.whenReady('t', 0), { code: 'ENOTSUP', message: `${file} is no file, and is left as it is` })
      const other = await engine.manager.create('other', at, TOPIC_ID, engine.config())
      await append(engine, other, values(5, 'x', 100))
      t.is((await readAll(other)).length, 5)
      await engine.stop()
      await rm(file, { recursive: true })
      if (there) await rename(kept, file)
    }
    const { engine } = await reopened(t, dir)
    t.is((await readAll(engine.manager.get('t', 0)!)).length, 150)
  })
}

test('a FIFO in place of a file of the directory: the start names it', async (t) => {
  const { dir } = await filled(t)
  for (const name of [
    'meta.properties',
    '.lock',
    'recovery-point-offset-checkpoint',
    'log-start-offset-checkpoint',
    '.kafka_cleanshutdown'
  ]) {
    const file = path.join(dir, name)
    await rm(file, { force: true })
    execFileSync('mkfifo', [file])
    await t.throwsAsync(startEngine(t, { dir, topic }), { message: new RegExp(`${name}.*`) }, name)
    await rm(file)
  }
})

/** A message of the format v1, without key. */
function oldMessage(offset: number, value: string): Buffer {
  const message = Buffer.alloc(34 + value.length)
  message.writeBigInt64BE(BigInt(offset), 0)
  message.writeInt32BE(message.length - 12, 8)
  message.writeInt8(1, 16)
  message.writeInt32BE(-1, 26)
  message.writeInt32BE(value.length, 30)
  message.write(value, 34)
  message.writeUInt32BE(crc32(message.subarray(16)), 12)
  return message
}

for (const killed of [false, true]) {
  test(`sound records of another format, ${killed ? 'after a kill' : 'after an orderly stop'}: not opened, named, nothing is cut`, async (t) => {
    const { dir, folder, bases } = await filled(t, killed)
    const file = path.join(folder, `${bases.at(-1)}.log`)
    const sound = await readFile(file)
    const later = Buffer.from(sound)
    // The magic is not in the checksum.
    later.writeInt8(3, 16)
    for (const [format, content] of [
      [1, Buffer.concat([0, 1, 2].map((n) => oldMessage(Number(bases.at(-1)) + n, `old ${n}`)))],
      [3, later]
    ] as const) {
      await writeFile(file, content)
      const engine = await startEngine(t, { dir, topic })
      const message = new RegExp(`${bases.at(-1)}\\.log holds records of the format ${format} at byte 0, .* the log is left as it is`)
      await t.throwsAsync(engine.manager.whenReady('t', 0)!, { message })
      t.true(engine.manager.dirs[0]!.online)
      await engine.stop()
      t.deepEqual(await readFile(file), content)
    }
    await writeFile(file, sound)
    t.is((await reopened(t, dir)).engine.manager.get('t', 0)!.endOffset, 150)
  })
}

for (const suffix of ['index', 'timeindex']) {
  for (const killed of [false, true]) {
    test(`a missing ${suffix} after ${killed ? 'a kill' : 'an orderly stop'} is named and made anew`, async (t) => {
      const { dir, folder, bases } = await filled(t, killed)
      if (killed) await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), `0\n1\nt 0 ${Number(bases[3])}\n`)
      const file = path.join(folder, `${bases[1]}.${suffix}`)
      const before = await readFile(file)
      await rm(file)
      const { lines } = await reopened(t, dir)
      t.regex(lines, new RegExp(`${bases[1]}\\.log lacks an index: both are made anew`))
      t.deepEqual(await readFile(file), before)
    })
  }
}

test('indexes without a log are named', async (t) => {
  const { dir, folder } = await filled(t)
  await writeFile(path.join(folder, '00000000000000000777.index'), '')
  const { lines } = await reopened(t, dir)
  t.regex(lines, /00000000000000000777\.index has no log beside it and is removed/)
})

test('a transaction index that no memory holds is named', async (t) => {
  const { dir, folder, bases } = await filled(t)
  const file = path.join(folder, `${bases[0]!}.txnindex`)
  await writeFile(file, '')
  await truncate(file, 3 * 1024 ** 3)
  const engine = await startEngine(t, { dir, topic })
  await t.throwsAsync(engine.manager.whenReady('t', 0), { name: 'StorageError', message: new RegExp(`: ${file}$`) })
  t.regex(engine.lines.join('\n'), /t-0 in .* can not be opened: .*\.txnindex/)
})

test('leader epochs of another version are named, kept, and found again', async (t) => {
  const { dir, folder } = await filled(t)
  const file = path.join(folder, 'leader-epoch-checkpoint')
  await writeFile(file, '9\nwhatever\n')
  const { engine, lines } = await reopened(t, dir)
  t.regex(
    lines,
    /leader-epoch-checkpoint can't be read: leader epochs are found again from the batches; the file is kept as leader-epoch-checkpoint\.unreadable: .*unknown version 9/
  )
  t.is(await readFile(`${file}.unreadable`, 'utf8'), '9\nwhatever\n')
  const log = engine.manager.get('t', 0)!
  t.deepEqual([log.endOffset, log.epochOf(0), log.epochOf(74), log.epochOf(75), log.latestEpoch], [150, 0, 0, 3, 3])
})

test('a producer snapshot of another version is named and kept; the producer goes on where it was', async (t) => {
  const { dir, folder } = await filled(t)
  const name = (await readdir(folder))
    .filter((one) => one.endsWith('.snapshot'))
    .toSorted()
    .at(-1)!
  const bytes = await readFile(path.join(folder, name))
  bytes.writeInt16BE(9, 0)
  await writeFile(path.join(folder, name), bytes)
  const { engine, lines } = await reopened(t, dir)
  t.regex(lines, new RegExp(`${name} can't be read: an older snapshot is used, .* kept as ${name}\\.unreadable`))
  t.deepEqual(await readFile(path.join(folder, `${name}.unreadable`)), bytes)
  const log = engine.manager.get('t', 0)!
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: 145 }
  t.is((await append(engine, log, values(5, 'r29-', 100), producer, 3)).baseOffset, 145)
  t.is((await append(engine, log, values(5, 'new', 100), { ...producer, baseSequence: 150 }, 3)).baseOffset, 150)
})

test('bad bytes in a closed segment, after a crash: named, the log ends there, and nothing of the rest is deleted', async (t) => {
  const { dir, folder, bases } = await filled(t, true)
  const file = path.join(folder, `${bases[1]}.log`)
  const bytes = await readFile(file)
  bytes.fill(0xee, 1000, 1100)
  await writeFile(file, bytes)
  await fromTheStart(dir)
  const behind = await Promise.all(bases.slice(2).map((base) => readFile(path.join(folder, `${base}.log`))))
  const { engine, lines } = await reopened(t, dir)
  const log = engine.manager.get('t', 0)!
  t.true(log.endOffset > Number(bases[1]) && log.endOffset < Number(bases[2]))
  t.regex(
    lines,
    new RegExp(
      `a batch whose CRC does not match at byte \\d+ of .*${bases[1]}\\.log; what was cut off is kept as ${bases[1]}\\.log\\.\\d+\\.corrupt`
    )
  )
  const kept = (await readdir(folder)).find((name) => name.startsWith(`${bases[1]}.log.`))!
  const cut = Number(/\.log\.(\d+)\.corrupt$/.exec(kept)![1])
  t.deepEqual(await readFile(path.join(folder, kept)), bytes.subarray(cut))
  for (const [at, base] of bases.slice(2).entries()) {
    t.regex(lines, new RegExp(`the segment at ${Number(base)} lies behind the cut and is kept as ${base}\\.log\\.corrupt`))
    t.deepEqual(await readFile(path.join(folder, `${base}.log.corrupt`)), behind[at])
  }
  t.is((await append(engine, log, values(1), {}, 3)).baseOffset, log.endOffset - 1)
  await engine.stop()
  const again = await reopened(t, dir)
  t.is(again.engine.manager.get('t', 0)!.endOffset, log.endOffset)
  t.notRegex(again.lines, /corrupt|not a log's/)
})

test('reads that come to a batch whose length leads behind its segment are refused, those before and behind it are not', async (t) => {
  const { dir, folder, bases } = await filled(t)
  const file = path.join(folder, `${bases[1]}.log`)
  const bytes = await readFile(file)
  const last = [...decodeBatches(bytes)].at(-1)!
  bytes.writeInt32BE(bytes.readInt32BE(last.position + 8) + 50, last.position + 8)
  await writeFile(file, bytes)
  const { engine } = await reopened(t, dir)
  const log = engine.manager.get('t', 0)!
  const codes = [last.baseOffset - 1, last.baseOffset, last.lastOffset, last.lastOffset + 1].map(
    async (offset) => (await log.read(offset, 100, Infinity, true)).errorCode
  )
  const { NONE, CORRUPT_MESSAGE } = ErrorCode
  t.deepEqual(await Promise.all(codes), [NONE, CORRUPT_MESSAGE, CORRUPT_MESSAGE, NONE])
  await t.throwsAsync(log.readBytes(last.baseOffset, 100), { name: 'StorageError', code: 'EBADMSG' })
})

test('a batch in the last segment whose length became too large: what lies behind it is kept', async (t) => {
  const { dir, folder, bases } = await filled(t, true)
  const file = path.join(folder, `${bases[0]}.log`)
  for (const base of bases.slice(1)) for (const name of await readdir(folder)) if (name.startsWith(base)) await rm(path.join(folder, name))
  const bytes = await readFile(file)
  const second = 12 + bytes.readInt32BE(8)
  bytes.writeInt32BE(0x7fffff, second + 8)
  await writeFile(file, bytes)
  await fromTheStart(dir)
  const { engine, lines } = await reopened(t, dir)
  t.is(engine.manager.get('t', 0)!.endOffset, 5)
  t.regex(lines, /a torn batch at byte \d+ of .*; what was cut off is kept as/)
  t.deepEqual(await readFile(`${file}.${second}.corrupt`), bytes.subarray(second))
})

test('a torn end, and zeros that were allocated ahead, are cut without being kept', async (t) => {
  for (const tail of [Buffer.from([0, 0, 0, 0, 0, 0, 0, 150, 0, 0, 4, 0, 0, 0, 0, 0, 2, 1, 2, 3]), Buffer.alloc(500)]) {
    const { dir, folder, bases } = await filled(t, true)
    await appendFile(path.join(folder, `${bases.at(-1)}.log`), tail)
    const { engine, lines } = await reopened(t, dir)
    t.is(engine.manager.get('t', 0)!.endOffset, 150)
    t.regex(lines, new RegExp(`t-0 ends in ${tail.length} bytes that are no whole batch, at offset 150: cut off`))
    t.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('corrupt')),
      []
    )
    await engine.stop()
  }
})
