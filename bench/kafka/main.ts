/** `npm run bench:kafka`: Sluice and a real Apache Kafka in turn, in alternating order; `--help` tells the rest. */
import { runSuite } from '../lib/suite.js'
import { parseOptions } from './options.js'
import { measureBrokers } from './run.js'

await runSuite('kafka', parseOptions, measureBrokers)
