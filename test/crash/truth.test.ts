/** What the crash tests take for the truth, where chance seldom leads. */
import test from 'ava'
import type { Line } from './history.js'
import type { FoundLog } from './inspect.js'
import { Truth } from './truth.js'

test('a partition that was deleted while its directory was offline may come back, but not without what the newer one has acknowledged', (t) => {
  const lines: readonly Line[] = [
    ['creating', 'gone', 0, 'older'],
    ['created', 'gone', 0],
    ['dropping', 'gone', 0],
    ['creating', 'gone', 0, 'newer'],
    ['created', 'gone', 0],
    ['send', 'gone', 0, 'a', 1, -1, -1, 80],
    ['ack', 'gone', 0, 'a', 0, 0]
  ]
  const problems = (topicId: string, ...more: readonly Line[]) => {
    const truth = new Truth()
    for (const line of [...lines, ...more]) truth.apply(line)
    const nothing = { start: 0, end: 0, batches: [], nextSequences: new Map<number, number>(), problems: [] }
    const found: FoundLog = { topic: 'gone', partition: 0, topicId, topicIdLost: false, ...nothing }
    return truth.compare([found], 'kill').length
  }
  const deleted: Line = ['dropping', 'gone', 0]
  t.deepEqual([problems('older', deleted), problems('newer', deleted), problems('older'), problems('newer')], [0, 1, 1, 1])
})
