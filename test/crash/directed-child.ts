/** The child of the directed crash tests: plays one scene, and ends without closing anything. */
import { openSync, readFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readJournal } from '../../src/cli/crash-journal.js'
import { startEngine } from '../storage/support.js'
import { COMPACTION_SCENES } from './compaction-scenes.js'
import { DONE } from './directed.js'
import { METADATA_SCENES } from './metadata/scenes.js'
import { MOVE_SCENES } from './move-scenes.js'
import { PREALLOCATE_SCENES } from './preallocate-scenes.js'
import { SCENES } from './scenes.js'
import { TRUNCATION_SCENES } from './truncation-scenes.js'
import { WRITE_SCENES } from './write-scenes.js'

const [name, dir, control, journal] = process.argv.slice(2) as [string, string, string, string]
const fd = openSync(control, 'a')
const say = (text: string): void => void writeSync(fd, `${text}\n`)
await { ...SCENES, ...METADATA_SCENES, ...PREALLOCATE_SCENES, ...COMPACTION_SCENES, ...TRUNCATION_SCENES, ...MOVE_SCENES, ...WRITE_SCENES }[
  name
]!({
  dir,
  other: path.join(path.dirname(dir), 'other'),
  say,
  rules: (text) => say(`rules ${text}`),
  until: async (fits) => {
    while (!readJournal(readFileSync(journal)).some(fits)) await delay(2)
  },
  start: (options) => startEngine({ teardown: () => undefined }, { dirs: [dir], ...options })
})
say(DONE)
process.exit(0)
