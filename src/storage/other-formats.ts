/** Batches of other formats than magic 2. They are whole and somebody's records, so that a log that holds them is not cut before them. */
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import * as batch from '../record/batch.js'
import { crc32c } from '../record/crc32c.js'
import { storageError } from './files.js'

/** Of a message of the formats v0 and v1: CRC-32 of all behind it, which begins with the magic. */
const OLD_CRC_AT = 12
const OLD_CRC_FROM = 16
/** Longer ones are taken for damage, as what claims that mostly is. */
const MOST_BYTES = 64 * 1024 * 1024

/** The format of the batch at `position` of a file, if its checksum tells that it is one; undefined: there is none. Rejects with a StorageError. */
export async function otherFormatAt(file: string, position: number): Promise<number | undefined> {
  try {
    const handle = await open(file, 'r')
    try {
      const head = Buffer.alloc(batch.BATCH_OVERHEAD)
      const { bytesRead } = await handle.read(head, 0, head.length, position)
      if (bytesRead <= batch.At.magic) return undefined
      const magic = batch.magic(head, 0)
      const size = batch.sizeInBytes(head, 0)
      if (magic < 0 || magic === batch.CURRENT_MAGIC || size <= batch.At.magic || size > MOST_BYTES) return undefined
      if (magic > batch.CURRENT_MAGIC && size < batch.BATCH_OVERHEAD) return undefined
      const whole = Buffer.alloc(size)
      if ((await handle.read(whole, 0, size, position)).bytesRead < size) return undefined
      return isSound(whole, magic) ? magic : undefined
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
}

// The checksum of a later format lies where that of the current one does: brokers before it have to find it.
function isSound(bytes: Buffer, magic: number): boolean {
  if (magic < batch.CURRENT_MAGIC) return crc32(bytes.subarray(OLD_CRC_FROM)) === bytes.readUInt32BE(OLD_CRC_AT)
  return crc32c(bytes.subarray(batch.At.attributes)) === batch.crc(bytes, 0)
}
