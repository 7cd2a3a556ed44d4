import test from 'ava'
import { parseCommand, parseScenario, scenarioTests } from './scenario.js'

test('commands: words, options, quotes, empty values', (t) => {
  const command = parseCommand('create "a b" c partitions=2 config.x="1 \\"2\\"" rack= list=[1,2]')
  t.is(command.name, 'create')
  t.deepEqual(command.words, ['a b', 'c'])
  t.deepEqual(command.options, { partitions: '2', 'config.x': '1 "2"', rack: '', list: '[1,2]' })
})

test('blocks: comments, several commands, empty output, output with empty lines', (t) => {
  const blocks = parseScenario('# head\n\na\nb\n----\n1\n2\n\nc\n----\n\nd\n----\n----\nx\n\ny\n----\n----\n')
  t.deepEqual(
    blocks.map(({ commands, expected }) => [commands, expected]),
    [
      [['a', 'b'], '1\n2'],
      [['c'], ''],
      [['d'], 'x\n\ny']
    ]
  )
})

scenarioTests('test/support/scenarios', () => {
  let total = 0
  return {
    run({ name, words }) {
      if (name === 'add') total += Number(words[0])
      return name === 'show' ? `${total}` : ''
    }
  }
})
