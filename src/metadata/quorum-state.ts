/**
 * `quorum-state`: what a raft node must remember between runs, as Kafka's json. One voter needs only that its epoch never falls back; the
 * epochs in the log say so as well, so the file need not be durable before the epoch is used.
 */
import { rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ZERO_UUID } from '../protocol/reader.js'
import { readFile } from '../storage/files.js'

const NAME = 'quorum-state'

/** 0 when there is none, or it can't be understood: then the log decides. */
export async function readQuorumEpoch(folder: string): Promise<number> {
  try {
    const state = JSON.parse((await readFile(path.join(folder, NAME))).toString()) as { leaderEpoch?: unknown }
    return typeof state.leaderEpoch === 'number' && Number.isSafeInteger(state.leaderEpoch) ? Math.max(0, state.leaderEpoch) : 0
  } catch {
    return 0
  }
}

/** `dynamic`: the voters stand in the log (kraft.version 1, KIP-853), which the file's version 1 goes with. */
export async function writeQuorumState(folder: string, nodeId: number, epoch: number, dynamic: boolean): Promise<void> {
  const state = dynamic
    ? { leaderId: nodeId, leaderEpoch: epoch, votedId: -1, votedDirectoryId: ZERO_UUID, data_version: 1 }
    : {
        clusterId: '',
        leaderId: nodeId,
        leaderEpoch: epoch,
        votedId: -1,
        appliedOffset: 0,
        currentVoters: [{ voterId: nodeId }],
        data_version: 0
      }
  const file = path.join(folder, NAME)
  await writeFile(`${file}.tmp`, JSON.stringify(state))
  await rename(`${file}.tmp`, file)
}
