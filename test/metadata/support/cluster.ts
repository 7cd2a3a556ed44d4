/** A local controller on a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Clock } from '../../../src/clock.js'
import { loadBrokerConfig } from '../../../src/config/load.js'
import { silentLogger } from '../../../src/log.js'
import { LocalController, METADATA_FOLDER } from '../../../src/metadata/local-controller.js'
import { FileLog } from './file-log.js'

export const NODE = 1
export const DIRECTORY = 'DDDDDDDDDDDDDDDDDDDDDA'

export const fixedClock: Clock = { now: () => 1_700_000_000_000, monotonic: () => 0, schedule: () => ({ cancel() {} }) }

export function temporaryFolder(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'sluice-metadata-'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

export interface Node {
  readonly controller: LocalController
  readonly log: FileLog
}

export interface NodeOptions {
  readonly settings?: Readonly<Record<string, string>>
  readonly cleanStart?: boolean
  readonly logDirs?: readonly string[]
  readonly nodeId?: number
}

/** Topic ids count up: `T0000…1`. */
export async function startNode(dir: string, options: NodeOptions = {}): Promise<Node> {
  const { config } = loadBrokerConfig({ 'node.id': String(options.nodeId ?? NODE), ...options.settings })
  let ids = 0
  const controller = await LocalController.load({
    nodeId: options.nodeId ?? NODE,
    dir,
    config,
    clock: fixedClock,
    log: silentLogger,
    newUuid: () => `T${String(++ids + controller.offset).padStart(20, '0')}A`
  })
  const log = await FileLog.open(path.join(dir, METADATA_FOLDER))
  await controller.activate({
    log,
    incarnationId: 'IIIIIIIIIIIIIIIIIIIIIA',
    endpoints: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092, securityProtocol: 0 }],
    rack: null,
    logDirs: options.logDirs ?? [DIRECTORY],
    cleanStart: options.cleanStart ?? false
  })
  return { controller, log }
}
