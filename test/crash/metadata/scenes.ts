/** What the children of the directed crash tests do with metadata: each of it is a few changes, and the tests know what they promise. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { ResourceType } from '../../../src/metadata/config-image.js'
import { encodeBatches } from '../../../src/metadata/record-codec.js'
import { RecordType } from '../../../src/metadata/records.js'
import { METADATA_TOPIC, StorageMetadataLog } from '../../../src/metadata/storage-metadata-log.js'
import type { Scene } from '../directed.js'
import { ask, stateOf, type Change } from './model.js'
import { SETTINGS, startNode, type MetadataNode } from './node.js'

/** One of each kind, and things that are changed again. */
export const CHANGES: readonly Change[] = [
  { kind: 'create', names: ['a', 'b', 'c'], partitions: 2, retention: '5000' },
  // Does not fit one batch.
  { kind: 'create', names: ['large'], partitions: 40, retention: '6000' },
  { kind: 'delete', name: 'b' },
  { kind: 'grow', name: 'a', count: 5 },
  { kind: 'set', type: ResourceType.topic, resource: 'a', name: 'segment.bytes', value: '2000000' },
  { kind: 'set', type: ResourceType.broker, resource: '', name: 'log.retention.ms', value: '70000' },
  { kind: 'quota', user: 'u', rate: 1000 },
  { kind: 'quota', user: 'v', rate: 2000 },
  { kind: 'quota', user: 'v', rate: 0 },
  { kind: 'user', name: 's', iterations: 5000 },
  { kind: 'ids' },
  { kind: 'ids' },
  { kind: 'feature', name: 'share.version', level: 0 }
]

const HUNDRED_ROUNDS = 100

async function make(node: MetadataNode, changes: readonly Change[]): Promise<number[]> {
  const codes: number[] = []
  for (const change of changes) codes.push((await ask(node.controller, change)).errorCode)
  return codes
}

function disk({ dir }: Scene): string {
  return path.dirname(dir)
}

function tell({ say }: Scene, node: MetadataNode): void {
  say(`state ${JSON.stringify(stateOf(node.controller.image))}`)
}

export const METADATA_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'metadata: one change of each kind'(scene) {
    const node = await startNode(disk(scene))
    scene.say(`codes ${(await make(node, CHANGES)).join(' ')}`)
    tell(scene, node)
  },

  async 'metadata: a folder that a killed process had made'(scene) {
    await mkdir(scene.dir)
    const node = await startNode(disk(scene))
    await make(node, CHANGES)
    tell(scene, node)
  },

  async 'metadata: snapshots'(scene) {
    const node = await startNode(disk(scene))
    for (let round = 1; round <= HUNDRED_ROUNDS; round++) await make(node, [{ kind: 'quota', user: `u${round % 7}`, rate: round }])
    await make(node, CHANGES)
    // The last snapshot, and the end of what it makes needless.
    await node.controller.close()
    tell(scene, node)
  },

  async 'metadata: what a killed process had not flushed'(scene) {
    const node = await startNode(disk(scene))
    await make(node, CHANGES)
    const log = node.manager.get(METADATA_TOPIC, 0)!
    const place = { baseOffset: log.endOffset, epoch: node.controller.epoch, timestamp: Date.now() }
    const entity = [{ entityType: 'user', entityName: 'late' }]
    const data = { entity, key: 'producer_byte_rate', value: 7, remove: false }
    for (const batch of encodeBatches([{ type: RecordType.clientQuota, version: 0, data }], place, 1000))
      await new StorageMetadataLog(log, node.runtime).append(batch)
    await node.drop()
    tell(scene, await startNode(disk(scene)))
  },

  async 'metadata: a change over several segments'(scene) {
    const node = await startNode(disk(scene), { ...SETTINGS, 'internal.metadata.log.segment.bytes': '1500' })
    await make(node, CHANGES)
    tell(scene, node)
  },

  async 'metadata: room for half a change'(scene) {
    const node = await startNode(disk(scene))
    await make(node, CHANGES.slice(0, 1))
    tell(scene, node)
    scene.rules('ENOSPC write *.log 3 *')
    scene.say(`codes ${(await make(node, [CHANGES[1]!])).join(' ')}`)
    scene.rules('')
    scene.say(`again ${(await make(node, [{ kind: 'ids' }])).join(' ')}`)
  },

  async 'metadata: no room'(scene) {
    const node = await startNode(disk(scene))
    await make(node, CHANGES.slice(0, 1))
    scene.rules('ENOSPC write *.log 1 *')
    scene.say(`codes ${(await make(node, [{ kind: 'ids' }, { kind: 'delete', name: 'a' }])).join(' ')}`)
    scene.rules('')
    scene.say(`again ${(await make(node, [{ kind: 'ids' }, { kind: 'delete', name: 'a' }])).join(' ')}`)
    tell(scene, node)
  },

  async 'metadata: a sync that fails'(scene) {
    const node = await startNode(disk(scene))
    await make(node, CHANGES.slice(0, 1))
    tell(scene, node)
    scene.rules('EIO sync *.log 1 1')
    scene.say(`codes ${(await make(node, [{ kind: 'ids' }, { kind: 'ids' }])).join(' ')}`)
    scene.say(`next ${node.controller.image.nextProducerId}`)
  }
}
