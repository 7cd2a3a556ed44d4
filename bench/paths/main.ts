/** `npm run bench`: the ways from the page cache to the socket, side by side; `--help` tells the rest. */
import { runSuite } from '../lib/suite.js'
import { parseOptions } from './options.js'
import { measurePaths } from './run.js'

await runSuite('paths', parseOptions, measurePaths)
