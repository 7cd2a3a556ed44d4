/** What a crash may do to files besides cutting a run short: torn and flipped last bytes, lost or stale indexes, torn snapshots and checkpoints. */
import { existsSync } from 'node:fs'
import { readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Random } from '../../src/cli/crash-disk.js'
import { batch } from '../../src/record/index.js'
import { readOffsetCheckpoint } from '../../src/storage/checkpoints.js'
import { CLEAN_SHUTDOWN_FILE, parsePartitionFolder, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { dirsOf } from './engine.js'
import type { Truth } from './truth.js'

/** Damages some partitions. What must no longer be found is told to the truth. Returns what was done. */
export async function damage(disk: string, truth: Truth, random: Random): Promise<string[]> {
  const story: string[] = []
  for (const dir of dirsOf(disk)) story.push(...(await damageDir(dir, truth, random)))
  return story
}

async function damageDir(data: string, truth: Truth, random: Random): Promise<string[]> {
  const story: string[] = []
  // The child was killed before it changed anything here: all is on the disk.
  if (existsSync(path.join(data, CLEAN_SHUTDOWN_FILE))) return story
  const points = await readOffsetCheckpoint(path.join(data, RECOVERY_POINT_FILE)).catch(() => new Map<string, number>())
  for (const name of (await readdir(data).catch(() => [])).toSorted()) {
    const found = parsePartitionFolder(name)
    if (!found || random() < 0.5) continue
    const folder = path.join(data, name)
    // What compaction has thrown away, it did because of records that must not go then.
    const kind = found.topic === 'packed' ? 2 * Math.floor(random() * 3) : Math.floor(random() * 6)
    if (kind === 0) story.push(await addGarbage(folder, random))
    else if (kind === 1) story.push(await breakTail(folder, points.get(name) ?? 0, truth, found, random))
    else if (kind === 2) story.push(await breakOne(folder, /\.(index|timeindex)$/, points.get(name) ?? 0, random))
    else if (kind === 3) story.push(await breakOne(folder, /\.snapshot$/, 0, random))
    else if (kind === 4) story.push(await breakOne(folder, /^leader-epoch-checkpoint$/, 0, random))
    else story.push(await lose(path.join(folder, 'partition.metadata')))
  }
  return story.filter((line) => line !== '')
}

async function lastLog(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log')).toSorted()
  return names.length === 0 ? undefined : path.join(folder, names.at(-1)!)
}

/** What a write leaves that was cut short by a crash, or a file system that lengthened the file before it had the data. */
async function addGarbage(folder: string, random: Random): Promise<string> {
  const file = await lastLog(folder)
  if (file === undefined) return ''
  const bytes = Buffer.alloc(1 + Math.floor(random() * 300))
  if (random() < 0.5) for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256)
  await writeFile(file, bytes, { flag: 'a' })
  return `${bytes.length} bytes behind ${file}`
}

/** Cuts or flips bytes near the end, but only above the recovery point: below it the engine may rely on the disk. */
async function breakTail(
  folder: string,
  recoveryPoint: number,
  truth: Truth,
  { topic, partition }: { topic: string; partition: number },
  random: Random
): Promise<string> {
  const file = await lastLog(folder)
  if (file === undefined) return ''
  const bytes = await readFile(file)
  const batches: { position: number; base: number }[] = []
  for (let at = 0; at + batch.BATCH_OVERHEAD <= bytes.length; at += batch.sizeInBytes(bytes, at)) {
    if (batch.sizeInBytes(bytes, at) <= 0) break
    batches.push({ position: at, base: batch.baseOffset(bytes, at) })
  }
  const candidates = batches.filter((one) => one.base >= recoveryPoint).slice(-3)
  const victim = candidates[Math.floor(random() * candidates.length)]
  if (victim === undefined) return ''
  const one = truth.of(topic, partition)
  one.damagedFrom = Math.min(one.damagedFrom, victim.base)
  const at = victim.position + Math.floor(random() * Math.min(batch.sizeInBytes(bytes, victim.position), bytes.length - victim.position))
  if (random() < 0.5) {
    await truncate(file, at)
    return `${file} cut at ${at}, in the batch of offset ${victim.base}`
  }
  // Behind the fields that no CRC covers: offset, length, leader epoch, magic. With another magic a batch is a sound one of another format.
  const flipped = Math.min(bytes.length - 1, Math.max(at, victim.position + batch.At.crc))
  bytes[flipped] = bytes[flipped]! ^ (1 << Math.floor(random() * 8))
  await writeFile(file, bytes)
  return `${file} flipped at ${flipped}, in the batch of offset ${victim.base}`
}

/** Kafka does without it. A broken one keeps the partition from being used. */
async function lose(file: string): Promise<string> {
  await unlink(file).catch(() => undefined)
  return `${file} removed`
}

/** Empties, cuts, fills with zeros or removes a file; of a segment only above the recovery point. */
async function breakOne(folder: string, pattern: RegExp, recoveryPoint: number, random: Random): Promise<string> {
  const names = (await readdir(folder)).filter((name) => pattern.test(name)).toSorted()
  const name = names.at(-1)
  if (name === undefined || (recoveryPoint > 0 && Number.parseInt(name, 10) < recoveryPoint)) return ''
  const file = path.join(folder, name)
  const bytes = await readFile(file)
  // A checkpoint has no checksum: half of one may look like a whole one. It is never half written.
  const kind = name.includes('checkpoint') ? 2 + Math.floor(random() * 2) : Math.floor(random() * 4)
  if (kind === 0) await unlink(file)
  else if (kind === 1) await truncate(file, Math.floor(random() * bytes.length))
  else if (kind === 2) await writeFile(file, Buffer.alloc(bytes.length))
  else await writeFile(file, Buffer.concat([bytes, Buffer.alloc(24)]))
  return `${file} ${['removed', 'cut', 'zeroed', 'lengthened'][kind]}`
}
