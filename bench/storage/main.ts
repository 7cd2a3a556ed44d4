/** `npm run bench:storage`: the storage engine as a library, beside bare loops and other stores; `--help` tells the rest. */
import { runSuite } from '../lib/suite.js'
import { parseOptions } from './options.js'
import { measureStorage } from './run.js'

await runSuite('storage', parseOptions, measureStorage)
