/** `npm run bench`: the ways from the page cache to the socket, side by side; `--help` tells the rest. */
import { parseOptions } from './options.js'
import { measurePaths } from './run.js'

const args = process.argv.slice(2)
const options = parseOptions(args)
if ('exitCode' in options) process.exitCode = options.exitCode
else {
  try {
    await measurePaths(options, commandLine(args))
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode ||= 1
  }
}

function commandLine(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w./:=-]+$/.test(arg) ? arg : JSON.stringify(arg)))
  return ['npm run bench', ...(quoted.length === 0 ? [] : ['--', ...quoted])].join(' ')
}
