/** The controller of a node on its log, as a broker has it, without the rest of the broker. */
import path from 'node:path'
import { loadBrokerConfig } from '../../../src/config/index.js'
import { LocalController } from '../../../src/metadata/local-controller.js'
import { metadataLogConfig, openMetadataLog } from '../../../src/metadata/storage-metadata-log.js'
import { Runtime } from '../../../src/native/runtime.js'
import { LogManager } from '../../../src/storage/log-manager.js'
import { collectingLogger } from '../../storage/support.js'
import { abandon, fastClock } from '../engine.js'

export const NODE = 1
export const DIR_NAME = 'data'

export interface MetadataNode {
  readonly controller: LocalController
  readonly manager: LogManager
  readonly lines: readonly string[]
  readonly runtime: Runtime
  close(): Promise<void>
  /** Without closing the log: what is on the disk stays as it is. */
  drop(): Promise<void>
}

/** Snapshots after some changes, batches that hold few records, so that larger changes are transactions (KIP-868), and, where wanted, small segments. */
export const SETTINGS: Readonly<Record<string, string>> = {
  'node.id': String(NODE),
  'metadata.log.max.record.bytes.between.snapshots': '4000',
  'internal.metadata.max.batch.size.in.bytes': '700',
  'log.segment.delete.delay.ms': '1000'
}

/** Rejects as a broker's start does. */
export async function startNode(disk: string, settings: Readonly<Record<string, string>> = SETTINGS): Promise<MetadataNode> {
  const dir = path.join(disk, DIR_NAME)
  const { config } = loadBrokerConfig(settings)
  const { lines, log } = collectingLogger()
  const clock = fastClock()
  const controller = await LocalController.load({ nodeId: NODE, dir, config, clock, log })
  const runtime = new Runtime({ frameMemoryBytes: 16 * 1024 * 1024 })
  try {
    const manager = await LogManager.open({
      dirs: [dir],
      metadataDir: dir,
      runtime,
      clock,
      log,
      config,
      topicConfig: () => metadataLogConfig(config),
      nodeId: NODE
    })
    await controller.activate({
      log: await openMetadataLog(manager, config, dir, runtime),
      incarnationId: LocalController.newUuid(),
      endpoints: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092, securityProtocol: 0 }],
      rack: null,
      logDirs: manager.dirs.map(({ directoryId }) => directoryId),
      cleanStart: manager.cleanStart
    })
    return {
      controller,
      manager,
      lines,
      runtime,
      close: async () => {
        await controller.close()
        await manager.close()
        await runtime.close()
      },
      drop: async () => {
        // What is being written comes to its end: nothing may change the folder once somebody else has it.
        await controller.close()
        clock.stop()
        await Promise.all(manager.dirs.map((each) => each.saveRecoveryPoints()))
        await abandon(manager)
        await runtime.close()
      }
    }
  } catch (error) {
    await runtime.close()
    throw error
  }
}
