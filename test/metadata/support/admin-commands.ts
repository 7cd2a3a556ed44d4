/** Commands of scenarios for what administrators ask of the controller. */
import { alterClientQuotas } from '../../../src/metadata/controller/client-quotas.js'
import { electLeaders } from '../../../src/metadata/controller/elections.js'
import { updateFeatures } from '../../../src/metadata/controller/features.js'
import { alterPartitionReassignments } from '../../../src/metadata/controller/reassignments.js'
import { alterScramCredentials } from '../../../src/metadata/controller/scram.js'
import type { ControllerState, Step } from '../../../src/metadata/controller/step.js'
import { unregisterBroker } from '../../../src/metadata/controller/unregister.js'
import type { Command } from '../../support/scenario.js'

interface World {
  readonly state: ControllerState
  step<R>(step: Step<R>, print: (response: R) => readonly string[]): string
}

type Outcome = (
  name: string | null,
  result: { readonly errorCode: number; readonly errorMessage?: string | null },
  detail?: string
) => string

const NODE = 1

export function runAdmin(world: World, { name, words, options, line }: Command, outcome: Outcome): string {
  const { state } = world
  switch (name) {
    // elect unclean|preferred a:0,1
    case 'elect': {
      const topics = words.slice(1).map((word) => {
        const [topic = '', partitions = ''] = word.split(':')
        return { topic, partitions: partitions.split(',').map(Number) }
      })
      const type = words[0] === 'preferred' ? 0 : words[0] === 'unclean' ? 1 : 9
      return world.step(electLeaders(state, type, topics.length === 0 ? null : topics), ({ errorCode, replicaElectionResults }) => [
        outcome(null, { errorCode }),
        ...replicaElectionResults.flatMap(({ topic, partitionResult }) =>
          partitionResult.map((result) => outcome(`${topic}-${result.partitionId}`, result))
        )
      ])
    }
    // reassign a p0=2,3 p1=null
    case 'reassign': {
      const partitions = Object.entries(options)
        .filter(([option]) => /^p\d+$/.test(option))
        .map(([option, brokers]) => ({
          partitionIndex: Number(option.slice(1)),
          replicas: brokers === 'null' ? null : brokers.split(',').filter(Boolean).map(Number)
        }))
      const allow = options['keep-factor'] !== 'true'
      return world.step(alterPartitionReassignments(state, [{ name: words[0]!, partitions }], allow), ({ responses }) =>
        responses.flatMap((topic) => topic.partitions.map((each) => outcome(`${topic.name}-${each.partitionIndex}`, each)))
      )
    }
    case 'unregister':
      return world.step(unregisterBroker(state, NODE, Number(words[0])), (result) => [outcome(words[0]!, result)])
    // feature group.version=0 type=2
    case 'feature': {
      const updates = Object.entries(options)
        .filter(([feature]) => feature !== 'type')
        .map(([feature, level]) => ({ feature, maxVersionLevel: Number(level), upgradeType: Number(options['type'] ?? 1) }))
      return world.step(updateFeatures(state, NODE, updates, false), (result) => [outcome(null, result)])
    }
    // quota user=u client-id=null limit.producer_byte_rate=1000 limit.consumer_byte_rate=null
    case 'quota': {
      const given = Object.entries(options)
      const entity = given
        .filter(([option]) => !option.startsWith('limit.'))
        .map(([entityType, entityName]) => ({ entityType, entityName: entityName === 'null' ? null : entityName }))
      const ops = given
        .filter(([option]) => option.startsWith('limit.'))
        .map(([option, value]) => ({ key: option.slice('limit.'.length), value: Number(value), remove: value === 'null' }))
      return world.step(alterClientQuotas(state, [{ entity, ops }], false), (results) => results.map((each) => outcome(null, each)))
    }
    // credential alice mechanism=1 iterations=4096
    case 'credential': {
      const user = { name: words[0]!, mechanism: Number(options['mechanism']) }
      const password = { salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }
      const iterations = options['iterations']
      const step =
        iterations === undefined
          ? alterScramCredentials(state, [user], [])
          : alterScramCredentials(state, [], [{ ...user, iterations: Number(iterations), ...password }])
      return world.step(step, (results) => results.map((each) => outcome(each.user, each)))
    }
    default:
      throw new Error(`no command ${line}`)
  }
}
