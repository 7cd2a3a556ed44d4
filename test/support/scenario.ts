/**
 * Golden texts of state machines. A scenario file is a list of blocks:
 *
 *     # a comment
 *     create-topic a partitions=2 config.cleanup.policy=compact
 *     delete-topic "odd name"
 *     ----
 *     ok a
 *     UNKNOWN_TOPIC_OR_PARTITION odd name
 *
 * Above `----`: commands, one a line, run in order; below: what they print, up to the next empty line (or, when the output itself has empty
 * lines, between two `----` lines each). `UPDATE=1 npx ava …` rewrites the outputs in the files: read the diff before you commit it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'

/** A parsed command: `name word word key=value …`. Words and values may be in double quotes (JSON escapes). */
export interface Command {
  readonly name: string
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string>>
  /** The whole line, as written. */
  readonly line: string
}

/** One run of a scenario: state lives in the closure. What `run` returns, without the trailing line break, is the output of the command ('' prints nothing). */
export interface Scenario {
  run(command: Command): string | Promise<string>
  close?(): void | Promise<void>
}

interface Block {
  comments: string[]
  commands: string[]
  expected: string
}

/** Declares one ava test for each `*.txt` of the project's folder `directory` (`test/metadata/scenarios`). `open` makes fresh state for each file. */
export function scenarioTests(directory: string, open: (t: ExecutionContext) => Scenario | Promise<Scenario>): void {
  const folder = path.resolve(directory)
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .sort()
  for (const file of files) {
    test(`scenario ${file.slice(0, -4)}`, async (t) => {
      const scenario = await open(t)
      try {
        await runFile(t, path.join(folder, file), scenario)
      } finally {
        await scenario.close?.()
      }
    })
  }
}

async function runFile(t: ExecutionContext, file: string, scenario: Scenario): Promise<void> {
  const blocks = parseScenario(readFileSync(file, 'utf8'))
  const update = process.env['UPDATE'] === '1'
  for (const block of blocks) {
    const outputs: string[] = []
    for (const line of block.commands) {
      const output = await scenario.run(parseCommand(line))
      if (output !== '') outputs.push(output)
    }
    const actual = outputs.join('\n')
    if (update) block.expected = actual
    else t.is(actual, block.expected, block.commands.join('\n'))
  }
  if (update) {
    writeFileSync(file, formatScenario(blocks))
    t.pass()
  }
}

export function parseScenario(text: string): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const block: Block = { comments: [], commands: [], expected: '' }
    while (at < lines.length && lines[at] !== '----') {
      const line = lines[at++]!
      if (line.startsWith('#') || (line.trim() === '' && block.commands.length === 0)) block.comments.push(line)
      else if (line.trim() !== '') block.commands.push(line)
    }
    if (block.commands.length === 0 && at >= lines.length) {
      if (block.comments.some((line) => line !== '')) blocks.push(block)
      break
    }
    at++
    const expected: string[] = []
    const doubled = lines[at] === '----'
    if (doubled) at++
    while (at < lines.length && (doubled ? !(lines[at] === '----' && lines[at + 1] === '----') : lines[at] !== ''))
      expected.push(lines[at++]!)
    if (doubled) at += 2
    block.expected = expected.join('\n')
    blocks.push(block)
    while (at < lines.length && lines[at] === '') at++
  }
  return blocks
}

function formatScenario(blocks: Block[]): string {
  const texts = blocks.map((block) => {
    const head = [...block.comments, ...block.commands]
    if (block.commands.length === 0) return head.join('\n')
    const doubled = /^$/m.test(block.expected) && block.expected !== ''
    const separator = doubled ? ['----', '----'] : ['----']
    return [...head, ...separator, ...(block.expected === '' ? [] : [block.expected]), ...(doubled ? separator : [])].join('\n')
  })
  return `${texts.join('\n\n')}\n`
}

const TOKEN = /(?:([A-Za-z_][\w.-]*)=)?("(?:[^"\\]|\\.)*"|\S+)|([A-Za-z_][\w.-]*)=(?=\s|$)/y

/** `=` separates key and value; a value may be empty, or quoted. */
export function parseCommand(line: string): Command {
  const words: string[] = []
  const options: Record<string, string> = {}
  TOKEN.lastIndex = 0
  let at = 0
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at++
      continue
    }
    TOKEN.lastIndex = at
    const match = TOKEN.exec(line)
    if (!match) throw new Error(`cannot parse command at ${at}: ${line}`)
    at = TOKEN.lastIndex
    const emptyKey = match[3] ?? (match[1] === undefined ? /^([A-Za-z_][\w.-]*)=$/.exec(match[2]!)?.[1] : undefined)
    if (emptyKey !== undefined) options[emptyKey] = ''
    else if (match[1] !== undefined) options[match[1]] = unquote(match[2]!)
    else words.push(unquote(match[2]!))
  }
  const [name = '', ...rest] = words
  return { name, words: rest, options, line }
}

function unquote(token: string): string {
  return token.startsWith('"') ? (JSON.parse(token) as string) : token
}
