/** Where a follower whose log has diverged cuts it: the conversation of KIP-101 and KIP-279, between two random logs. Pure. */
import fc from 'fast-check'
import test from 'ava'
import { LeaderEpochs } from '../../src/storage/leader-epochs.js'

/** The epoch of each offset of a log. */
type Offsets = readonly number[]

function epochsOf(offsets: Offsets): LeaderEpochs {
  const epochs = new LeaderEpochs()
  for (const [offset, epoch] of offsets.entries()) epochs.assign(epoch, offset)
  return epochs
}

const lengths = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.nat(6)), { maxLength: 6 })

/** Goes on from what is common, with epochs that rise by the steps given. */
function extend(common: Offsets, steps: readonly (readonly [number, number])[], parity: number): number[] {
  const offsets = [...common]
  let epoch = common.at(-1) ?? 0
  for (const [step, count] of steps) {
    epoch += step
    // No two leaders have the same epoch: of what was not common each has its own.
    const own = 2 * epoch + parity
    for (let one = 0; one < count; one++) offsets.push(own)
  }
  return offsets
}

test('the follower ends with a beginning of its leader, and never cuts what they have in common', (t) => {
  let asked = 0
  fc.assert(
    fc.property(lengths, lengths, lengths, (shared, ofLeader, ofFollower) => {
      const common = extend([], shared, 0).map((epoch) => epoch)
      const base = (common.at(-1) ?? 0) / 2
      const branch = (steps: typeof ofLeader, parity: number) => extend([], steps, parity).map((epoch) => epoch + 2 * Math.ceil(base) + 2)
      const leader = [...common, ...branch(ofLeader, 0)]
      let follower = [...common, ...branch(ofFollower, 1)]
      const leaderEpochs = epochsOf(leader)
      for (let round = 0; ; round++) {
        if (round > 20) throw new Error('the conversation does not end')
        const epochs = epochsOf(follower)
        if (epochs.latest < 0) break
        const answer = leaderEpochs.endOffset(epochs.latest, leader.length)
        asked++
        const { offset, complete } = epochs.truncationOffset(answer, follower.length, common.length)
        follower = follower.slice(0, offset)
        if (complete) break
      }
      if (follower.length < common.length) throw new Error(`${follower.length} of ${common.length} common ones are left`)
      if (follower.some((epoch, offset) => leader[offset] !== epoch))
        throw new Error(`${follower.join()} is no beginning of ${leader.join()}`)
    }),
    { numRuns: 500, seed: 20_261_121 }
  )
  t.true(asked > 500)
})

test('the answers of Kafka for single cases', (t) => {
  const epochs = new LeaderEpochs([
    { epoch: 2, startOffset: 10 },
    { epoch: 4, startOffset: 20 },
    { epoch: 5, startOffset: 30 }
  ])
  t.deepEqual(epochs.endOffset(5, 41), { epoch: 5, endOffset: 41 })
  t.deepEqual(epochs.endOffset(4, 41), { epoch: 4, endOffset: 30 })
  t.deepEqual(epochs.endOffset(3, 41), { epoch: 2, endOffset: 20 }, 'the largest that is not above it')
  t.deepEqual(epochs.endOffset(1, 41), { epoch: 1, endOffset: 10 }, 'older than all: its own, to where the first known begins')
  t.deepEqual(epochs.endOffset(6, 41), { epoch: -1, endOffset: -1 })
  t.deepEqual(epochs.endOffset(-1, 41), { epoch: -1, endOffset: -1 })
  t.deepEqual(epochs.truncationOffset({ epoch: -1, endOffset: -1 }, 41, 17), { offset: 17, complete: true }, 'to the high watermark')
  t.deepEqual(epochs.truncationOffset({ epoch: 5, endOffset: 35 }, 41, 0), { offset: 35, complete: true })
  t.deepEqual(epochs.truncationOffset({ epoch: 5, endOffset: 50 }, 41, 0), { offset: 41, complete: true })
  t.deepEqual(epochs.truncationOffset({ epoch: 3, endOffset: 25 }, 41, 0), { offset: 20, complete: false }, 'an epoch it never saw')
  t.deepEqual(new LeaderEpochs().truncationOffset({ epoch: 3, endOffset: 25 }, 41, 0), { offset: 25, complete: true })
})
