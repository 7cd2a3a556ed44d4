/** `npm run bench:kafka`: Sluice and a real Apache Kafka in turn, in alternating order; `--help` tells the rest. */
import { measureBrokers } from './run.js'
import { parseOptions } from './options.js'

const args = process.argv.slice(2)
const options = parseOptions(args)
if ('exitCode' in options) process.exitCode = options.exitCode
else {
  try {
    await measureBrokers(options, commandLine(args))
  } catch (error) {
    process.stderr.write(`bench:kafka: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode ||= 1
  }
}

function commandLine(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w./:=-]+$/.test(arg) ? arg : JSON.stringify(arg)))
  return ['npm run bench:kafka', ...(quoted.length === 0 ? [] : ['--', ...quoted])].join(' ')
}
