/** Putting right what a crash left of a compaction, in an order that a power cut in the middle of it does no harm to. */
import fsp, { writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { recoverSwaps } from '../../../src/storage/cleaner/swap.js'
import { offsetName } from '../../../src/storage/names.js'
import { temporaryFolder } from '../support.js'

/** What is done to the folder, in order: the names that go or change, and `flush` of the folder. */
const done: string[] = []
const { open, rename, unlink } = fsp
let folder = ''
fsp.unlink = async (file) => {
  done.push(`remove ${path.basename(String(file)).replace(/^0+(?=\d)/, '')}`)
  await unlink(file)
}
fsp.rename = async (from, to) => {
  done.push(`rename ${path.basename(String(from)).replace(/^0+(?=\d)/, '')}`)
  await rename(from, to)
}
fsp.open = async (...[file, flags, mode]: Parameters<typeof open>) => {
  if (file === folder) done.push('flush')
  return open(file, flags, mode)
}
syncBuiltinESMExports()

async function emptyFolder(t: ExecutionContext): Promise<void> {
  folder = await temporaryFolder(t)
  done.splice(0)
}

const put = (...names: readonly (readonly [number, string])[]) =>
  Promise.all(names.map(([base, suffix]) => writeFile(path.join(folder, offsetName(base) + suffix), '')))

test.serial('old segments are gone for good before what was made of them has its name', async (t) => {
  await emptyFolder(t)
  await put([0, '.log'], [0, '.index'], [0, '.log.swap'], [0, '.index.swap'])
  const batch = Buffer.alloc(100)
  batch.writeInt32BE(88, 8)
  batch.writeInt32BE(49, 23)
  await writeFile(path.join(folder, `${offsetName(0)}.log.swap`), batch)
  await recoverSwaps(folder, () => undefined)
  t.deepEqual(done.slice(0, 3).toSorted(), ['flush', 'remove 0.index', 'remove 0.log'])
  t.is(done[2], 'flush')
  t.deepEqual(done.slice(3).toSorted(), ['flush', 'rename 0.index.swap', 'rename 0.log.swap'])
  t.is(done.at(-1), 'flush')
})

test.serial('of a step that is undone, what could be taken for whole goes first', async (t) => {
  await emptyFolder(t)
  await put([0, '.log'], [0, '.log.swap'], [0, '.index.cleaned'])
  await recoverSwaps(folder, () => t.fail())
  t.deepEqual(done, ['remove 0.log.swap', 'flush', 'remove 0.index.cleaned', 'flush'])
})
