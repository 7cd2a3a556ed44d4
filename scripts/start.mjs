// `npm start`: builds what is missing, then runs the broker in this same process, so that its pid and its signals are right.
import { build } from './build.mjs'

build()
process.argv.splice(2, 0, 'start')
await import('../dist/bundle/sluice.js')
