/** Look-ups and indexes of segments, beside those that a real broker wrote. */
import test from 'ava'
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ScanFlag, ScanStatus } from '../../src/native/numbers.js'
import { NativeSegment, Strand } from '../../src/native/segment.js'
import { tempDir } from '../support/temp-dir.js'
import { INDEX_BYTES, assertLookups, batchesOf, create, goldenFolder, nameOf, openRuntime, scanAll } from './segment-support.js'

test('look-ups in the segments of a real broker, with its own indexes and without any', async (t) => {
  const runtime = openRuntime(t)
  const dir = goldenFolder(await tempDir(t))
  let segments = 0
  for (const log of readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'))) {
    const file = path.join(dir, log)
    const options = {
      baseOffset: Number(path.basename(log, '.log')),
      size: statSync(file).size,
      indexBytes: INDEX_BYTES,
      indexIntervalBytes: 4096
    }
    const batches = batchesOf(file)
    const given = new NativeSegment(runtime, file.slice(0, -4), options)
    t.true(await given.indexesLookSound(), log)
    await assertLookups(t, given, batches)
    given.close()
    rmSync(file.replace('.log', '.index'), { force: true })
    rmSync(file.replace('.log', '.timeindex'), { force: true })
    const bare = new NativeSegment(runtime, file.slice(0, -4), options)
    t.is(await bare.indexesLookSound(), options.size === 0, log)
    await assertLookups(t, bare, batches)
    const scan = await scanAll(runtime, bare, ScanFlag.verifyCrc)
    t.deepEqual(scan, { status: ScanStatus.end, reason: 0, position: options.size, rows: batches.length }, log)
    bare.close()
    segments++
  }
  t.true(segments > 15)
})

// Segments that were written in one run of the broker (a restart counts the interval anew, a clean stop adds a time entry, the cleaner has its own rhythm).
const wholeRuns = ['plain-0/0', 'trimmed-0/0', 'trimmed-0/246', 'trimmed-0/731', 'trimmed-0/971', 'txn-0/0', 'txn-0/143', 'txn-0/155']

test('rebuilt and appended indexes are the bytes that Kafka wrote', async (t) => {
  const runtime = openRuntime(t)
  const dir = goldenFolder(await tempDir(t))
  const copies = await tempDir(t)
  const indexInterval = 512 // of the broker that wrote the folder
  for (const run of wholeRuns) {
    const [folder = '', base = ''] = run.split('/')
    const baseOffset = Number(base)
    const golden = path.join(dir, folder, nameOf(baseOffset))
    const bytes = readFileSync(`${golden}.log`)
    const assertSame = (kind: string, copy: string) => {
      for (const suffix of ['.log', '.index', '.timeindex'])
        t.deepEqual(readFileSync(copy + suffix), readFileSync(golden + suffix), `${kind} ${run}${suffix}`)
    }
    const rebuilt = path.join(copies, 'rebuilt', folder)
    mkdirSync(rebuilt, { recursive: true })
    copyFileSync(`${golden}.log`, path.join(rebuilt, `${nameOf(baseOffset)}.log`))
    const strand = new Strand(runtime)
    const recovered = create(runtime, rebuilt, bytes.length, indexInterval, baseOffset)
    await scanAll(runtime, recovered, ScanFlag.verifyCrc | ScanFlag.rebuildIndexes)
    await recovered.seal(strand, -1, -1)
    assertSame('rebuilt', recovered.path)

    const written = path.join(copies, 'written', folder)
    mkdirSync(written, { recursive: true })
    const segment = create(runtime, written, -1, indexInterval, baseOffset)
    const frame = runtime.frameFrom(bytes)
    let at = 0
    const results: Promise<number>[] = []
    for (const batch of batchesOf(`${golden}.log`)) {
      const start = at
      results.push(
        new Promise((resolve) =>
          segment.append(strand, frame, start, batch.bytes, batch.baseOffset, bytes.readInt32BE(start + 12), (status) => resolve(status))
        )
      )
      at += batch.bytes
    }
    runtime.release(frame)
    t.true((await Promise.all(results)).every((status) => status === 0))
    await segment.seal(strand, -1, -1)
    assertSame('written', segment.path)
    strand.close()
  }
})

test('an index that is damaged is noticed, and never leads astray', async (t) => {
  const runtime = openRuntime(t)
  const dir = goldenFolder(await tempDir(t))
  const base = path.join(dir, 'plain-0', nameOf(0))
  const size = statSync(`${base}.log`).size
  const batches = batchesOf(`${base}.log`)
  const damages: ((index: Buffer) => Buffer)[] = [
    (index) => index.subarray(0, 13),
    (index) => Buffer.concat([index, Buffer.alloc(4096)]),
    (index) => Buffer.from(index).fill(0xff, 40, 48),
    (index) => Buffer.concat([index.subarray(8, 16), index.subarray(0, 8)])
  ]
  const original = readFileSync(`${base}.index`)
  for (const damage of damages) {
    writeFileSync(`${base}.index`, damage(original))
    const segment = new NativeSegment(runtime, base, { baseOffset: 0, size, indexBytes: INDEX_BYTES, indexIntervalBytes: 512 })
    t.false(await segment.indexesLookSound())
    await assertLookups(t, segment, batches)
    segment.close()
  }
  writeFileSync(`${base}.index`, original)
  truncateSync(`${base}.log`, 1326)
  const shorter = new NativeSegment(runtime, base, { baseOffset: 0, size: 1326, indexBytes: INDEX_BYTES, indexIntervalBytes: 512 })
  t.false(await shorter.indexesLookSound(), 'entries above the end of the log')
})
