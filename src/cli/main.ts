#!/usr/bin/env node
/** The `sluice` command. Only this folder reads `process` or ends it. */
import { runCli } from './run.js'

await runCli(process.argv.slice(2))
