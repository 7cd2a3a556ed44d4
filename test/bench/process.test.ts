/** What is read of a process is plausible, and what can not be read is said. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import {
  cpuBetween,
  memoryOf,
  NoProcessError,
  openFilesOf,
  otherPercent,
  parsePerf,
  parseStrace,
  sampleCpu,
  traceSystemCalls
} from '../../bench/lib/process.js'

test('CPU time of a busy process', (t) => {
  const before = sampleCpu(process.pid)
  const until = process.cpuUsage().user + 60_000
  while (process.cpuUsage().user < until);
  const use = cpuBetween(before, sampleCpu(process.pid))
  t.true(use.cpu > 0.05, `${use.cpu} s`)
  t.true(Math.abs(use.cpuUser + use.cpuSystem - use.cpu) < 1e-9)
  // Less than the CPU time where other threads of the process, which count, were busy as well.
  t.true(use.seconds > 0)
  t.true(use.machine >= 0)
})

test('what others used is what is left of the machine', (t) => {
  const use = { seconds: 2, cpu: 1, cpuUser: 0.5, cpuSystem: 0.5, machine: 1.5 }
  t.is(otherPercent(use, 0.5), 0)
  t.is(otherPercent(use, 0.6), 0)
  t.true(otherPercent(use, 0.2) > 0)
})

test('memory and open files', (t) => {
  const { rss, anonymous } = memoryOf(process.pid)
  t.true(anonymous > 5 && anonymous < rss)
  t.true(openFilesOf(process.pid) > 3)
})

test('a process that has ended', async (t) => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  for (const read of [sampleCpu, memoryOf, openFilesOf]) t.throws(() => read(child.pid ?? 0), { instanceOf: NoProcessError })
})

test('counts system calls, or says why not', async (t) => {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('up'); setInterval(() => require('fs').statSync('/'), 2)"])
  t.teardown(() => child.kill())
  await once(child.stdout, 'data')
  const tracing = await traceSystemCalls(child.pid ?? 0)
  if (typeof tracing === 'string') {
    t.regex(tracing, /^system calls are not counted: /)
    return
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  const { total, byName } = await tracing.finish()
  t.true(total >= 10, `${total}`)
  t.true(Object.keys(byName).some((name) => name.includes('stat')))
  t.is(child.exitCode, null)
})

test('reads the tables of strace and perf', (t) => {
  const strace = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 75.00    0.000300           3       100           sendfile
 25.00    0.000100           2        50        20 recvfrom
  0.00    0.000000           0         1           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.000400           2       151        20 total
`
  t.deepEqual(parseStrace(strace), { total: 151, byName: { sendfile: 100, recvfrom: 50, epoll_wait: 1 } })
  const perf = `
 Summary of events:

 node (4711), 300 events, 60.0%

   syscall            calls  errors  total       min       avg       max       stddev
                                     (msec)    (msec)    (msec)    (msec)        (%)
   --------------- --------  ------ -------- --------- --------- ---------     ------
   sendfile             100      0     0.014     0.000     0.007     0.014    100.00%
   recvfrom              50     20     0.014     0.000     0.007     0.014    100.00%

 sluice-io (4712), 2 events, 1.0%

   sendfile               2      0     0.014     0.000     0.007     0.014    100.00%
`
  t.deepEqual(parsePerf(perf), { total: 152, byName: { sendfile: 102, recvfrom: 50 } })
  t.deepEqual(parseStrace(''), { total: 0, byName: {} })
})
