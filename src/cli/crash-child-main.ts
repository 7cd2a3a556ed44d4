/** Runs the child of `sluice verify-crash`: its plan is the one argument. */
import { runCrashChild, type CrashChildPlan } from './crash-child.js'

await runCrashChild(JSON.parse(process.argv[2]!) as CrashChildPlan)
process.kill(process.pid, 'SIGKILL')
