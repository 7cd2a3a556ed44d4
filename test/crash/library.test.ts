/** The fault library and the simulated disk: what they are trusted with by the other crash tests. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { CrashDisk, Mercy, randomFrom } from '../../src/cli/crash-disk.js'
import { JournalOp, readJournal, type JournalEntry } from '../../src/cli/crash-journal.js'
import { faultEnvironment } from '../../src/cli/crash-library.js'
import { testWithFaults } from '../support/faults.js'
import { makePlace, removePlace, type Place } from './place.js'

interface Run {
  readonly status: number | null
  readonly signal: string | null
  readonly output: string
  readonly entries: JournalEntry[]
}

/** Runs a program of a few lines with `fs`, `say` and `dir` in a watched folder. */
function runProgram(place: Place, program: string, rules?: string): Run {
  const journal = path.join(place.work, 'journal')
  const preamble = `const fs=require('fs'),dir=${JSON.stringify(place.disk)},say=(t)=>{const f=fs.openSync(${JSON.stringify(place.history)},'a');fs.writeSync(f,t);fs.closeSync(f)};`
  const environment = faultEnvironment({ root: place.disk, control: place.history, journal, ...(rules === undefined ? {} : { rules }) })
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', preamble + program], {
    env: { ...process.env, ...environment }
  })
  return { status, signal, output: `${stdout.toString()}${stderr.toString()}`, entries: readJournal(readFileSync(journal)) }
}

async function place(t: ExecutionContext): Promise<Place> {
  const made = await makePlace()
  t.teardown(() => removePlace(made))
  return made
}

testWithFaults('the journal tells who wrote what where, and what was synced', async (t) => {
  const here = await place(t)
  const { status, entries, output } = runProgram(
    here,
    `fs.mkdirSync(dir+'/a');const f=fs.openSync(dir+'/a/x','w');fs.writeSync(f,'hello');fs.writeSync(f,Buffer.from('J'),0,1,0);fs.fdatasyncSync(f);
     fs.ftruncateSync(f,3);fs.closeSync(f);say('said\\n');fs.renameSync(dir+'/a/x',dir+'/a/y');const d=fs.openSync(dir+'/a','r');fs.fsyncSync(d);fs.unlinkSync(dir+'/a/y');fs.rmdirSync(dir+'/a')`
  )
  t.is(status, 0, output)
  const names = new Map(Object.entries(JournalOp).map(([name, op]) => [op as number, name]))
  t.deepEqual(
    entries.map(({ op, path: file, to, offset, length, data }) => [names.get(op), file, to, offset, length, data.toString()]),
    [
      ['makeFolder', 'a', '', 0, 0, ''],
      ['create', 'a/x', '', 0, 0, ''],
      ['write', 'a/x', '', 0, 5, 'hello'],
      ['write', 'a/x', '', 0, 1, 'J'],
      ['syncBegin', 'a/x', '', 0, 0, ''],
      ['syncEnd', 'a/x', '', 0, 0, ''],
      ['truncate', 'a/x', '', 0, 3, ''],
      ['mark', '', '', 0, 0, 'said\n'],
      ['rename', 'a/x', 'a/y', 0, 0, ''],
      ['syncBegin', 'a', '', 0, 0, ''],
      ['syncEnd', 'a', '', 0, 0, ''],
      ['unlink', 'a/y', '', 0, 0, ''],
      ['removeFolder', 'a', '', 0, 0, '']
    ]
  )
})

testWithFaults('rules kill before, in the middle of and after the Nth write, and make calls fail', async (t) => {
  const program = `const f=fs.openSync(dir+'/x.log','a');for(const w of ['aaaa','bbbb','cccc'])fs.writeSync(f,w);console.log('survived')`
  for (const [rule, left] of [
    ['kill write *.log 2', 'aaaa'],
    ['kill-mid write *.log 2', 'aaaabb'],
    ['kill-after write *.log 2', 'aaaabbbb']
  ] as const) {
    const here = await place(t)
    t.is(runProgram(here, program, rule).signal, 'SIGKILL')
    t.is(readFileSync(path.join(here.disk, 'x.log'), 'utf8'), left)
  }
  const failing = `const tell=(w)=>{try{console.log(w())}catch(e){console.log(e.code)}};const f=fs.openSync(dir+'/x','w');
    tell(()=>fs.writeSync(f,'abcd'));tell(()=>fs.writeSync(f,'abcd'));tell(()=>fs.fsyncSync(f));tell(()=>fs.fsyncSync(f));
    tell(()=>fs.renameSync(dir+'/x',dir+'/y'));tell(()=>fs.ftruncateSync(f,0));say('rules \\n');tell(()=>fs.ftruncateSync(f,0))`
  const { output } = runProgram(
    await place(t),
    failing,
    'short write * 1;ENOSPC write * 2 2;EIO sync * 1 *;EROFS rename x 1;EIO truncate * 1 *'
  )
  // Node goes on after a short write, and tells of it when what follows fails.
  t.is(output, '2\nENOSPC\nEIO\nEIO\nEROFS\nEIO\nundefined\n')
})

testWithFaults('a power cut leaves what was synced, and of the rest what chance and mercy give', async (t) => {
  const here = await place(t)
  const disk = await CrashDisk.of(here.disk)
  const { entries, output, status } = runProgram(
    here,
    `const sync=(p)=>{const f=fs.openSync(p,'r');fs.fsyncSync(f);fs.closeSync(f)};
     fs.writeFileSync(dir+'/named','content');sync(dir);fs.writeFileSync(dir+'/whole','content');sync(dir+'/whole');sync(dir);
     fs.writeFileSync(dir+'/nameless','content');sync(dir+'/nameless');
     fs.appendFileSync(dir+'/whole',' and more');fs.writeFileSync(dir+'/tmp','new');sync(dir+'/tmp');fs.renameSync(dir+'/tmp',dir+'/named')`
  )
  t.is(status, 0, output)
  for (const entry of entries) disk.apply(entry)
  const cut = async (name: string, mercy: number, seed = 1) => {
    const into = path.join(here.work, name)
    mkdirSync(into)
    await disk.cut(into, randomFrom(seed), mercy)
    return Object.fromEntries(readdirSync(into).map((file) => [file, readFileSync(path.join(into, file), 'utf8')]))
  }
  t.deepEqual(await cut('none', Mercy.none), { named: '', whole: 'content' })
  t.deepEqual(await cut('all', Mercy.all), { named: 'new', whole: 'content and more', nameless: 'content' })
  const seen = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const left = await cut(`some-${seed}`, Mercy.some, seed)
    t.true(left['whole']!.startsWith('content') && 'content and more'.startsWith(left['whole']!.replaceAll('\0', '')), left['whole'])
    seen.add(JSON.stringify(left))
  }
  t.true(seen.size > 5)
  t.deepEqual(await cut('again', Mercy.some, 7), JSON.parse(JSON.stringify(await cut('and-again', Mercy.some, 7))))
  t.true(existsSync(here.disk))
})
