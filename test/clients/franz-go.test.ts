/** franz-go, driven by franz-go/main.go. It is the client that uses the newest versions of everything. */
import test from 'ava'
import { available } from '../support/available.js'
import { startBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { run } from '../support/processes.js'

const franz = await available('franz-go')
const clientTest = franz.found ? test : test.skip

clientTest('franz-go: every codec, a group with commits, ends and look-up by time, a copy in transactions', async (t) => {
  if (!franz.found) throw new Error(franz.reason)
  const broker = await startBroker()
  t.teardown(() => broker.stop())
  const { code, stdout, stderr } = await run(franz.product, [broker.bootstrap, uniqueName('franz'), uniqueName('franz')], {
    timeoutMs: 90_000
  })
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), {
    values: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    offsets: [0, 1, 2, 3, 4],
    committed: 5,
    end: 5,
    state: 'Stable',
    found: 2,
    copied: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    copier: 5
  })
})
