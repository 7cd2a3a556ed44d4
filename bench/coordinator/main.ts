/**
 * `npm run bench:coordinator`: groups, offsets and transactions of Sluice and a real Apache Kafka in turn, in alternating order; `--help` tells
 * the rest.
 */
import { runSuite } from '../lib/suite.js'
import { parseOptions } from './options.js'
import { measureCoordinators } from './run.js'

await runSuite('coordinator', parseOptions, measureCoordinators)
