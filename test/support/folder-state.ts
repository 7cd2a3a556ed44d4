/** Everything that can be seen of a folder, to compare it before and after. */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { crc32c } from '../../src/record/crc32c.js'

/** Names, sizes, times and contents of everything below a folder. */
export async function folderState(dir: string): Promise<Record<string, unknown>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const all: Record<string, unknown> = {}
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name)
    const { size, mtimeMs, ctimeMs, mode, ino } = await stat(file)
    all[path.relative(dir, file)] = { size, mtimeMs, ctimeMs, mode, ino, crc: entry.isFile() ? crc32c(await readFile(file)) : 0 }
  }
  const { mtimeMs, ctimeMs } = await stat(dir)
  return { ...all, '.': { mtimeMs, ctimeMs } }
}
