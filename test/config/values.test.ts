import test from 'ava'
import { ConfigError } from '../../src/errors.js'
import { boolean, double, int, list, long, LONG_MAX, password, short, string, type Setting } from '../../src/config/setting.js'
import { parseValue } from '../../src/config/values.js'

const about = 'About.'

function refusal(setting: Setting, text: string | null): string {
  try {
    parseValue('some.name', setting, text)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
  }
  return ''
}

test('whole numbers: bounds of the type and of the row', (t) => {
  t.deepEqual(parseValue('n', int(1, about), ' +42 '), { text: '42', value: 42 })
  t.deepEqual(parseValue('n', long(1, about), LONG_MAX), { text: LONG_MAX, value: Number.MAX_SAFE_INTEGER })
  t.deepEqual(parseValue('n', int(-1, about, { min: 1, max: 9, also: -1 }), '-1'), { text: '-1', value: -1 })
  t.regex(refusal(int(1, about), '2147483648'), /"2147483648" for some\.name: it must be a whole number/)
  t.regex(refusal(short(1, about), '32768'), /16 bits/)
  t.regex(refusal(long(1, about), '9223372036854775808'), /64 bits/)
  t.regex(refusal(int(1, about, { min: 1 }), '0'), /at least 1/)
  t.regex(refusal(int(-1, about, { min: 1, max: 9, also: -1 }), '0'), /from 1 to 9, or -1/)
  for (const text of ['', '1.5', '1e3', '0x10', 'ten', '1 2']) t.not(refusal(int(1, about), text), '', text)
})

test('other types', (t) => {
  t.is(parseValue('n', boolean(false, about), ' TRUE ').value, true)
  t.regex(refusal(boolean(false, about), 'yes'), /true or false/)
  t.is(parseValue('n', double(0.5, about), '1.7976931348623157E308').value, Number.MAX_VALUE)
  const ratio = double(0.5, about, { min: 0, max: 1, also: NaN })
  for (const text of ['NaN', '-NaN']) t.deepEqual(parseValue('n', ratio, text), { text: 'NaN', value: NaN })
  t.regex(refusal(ratio, '1.5'), /a number from 0 to 1, or NaN/)
  // What Kafka 4.3.1 took, and how it was described.
  const texts = [
    '0.50',
    '5e-1',
    '.5f',
    '0.5D',
    ' 0.5 ',
    '1.',
    '1.0000000000000001',
    '-0',
    '1e-400',
    '1e-3',
    '1e-7',
    '1e9',
    '0.30000000000000004'
  ]
  t.deepEqual(
    texts.map((text) => parseValue('n', double(0.5, about), text).text),
    ['0.5', '0.5', '0.5', '0.5', '0.5', '1.0', '1.0', '-0.0', '0.0', '0.001', '1.0E-7', '1.0E9', '0.30000000000000004']
  )
  t.is(parseValue('n', double('1.7976931348623157E308', about), '1.7976931348623157E308').text, '1.7976931348623157E308')
  for (const text of ['NaN', 'nan', '0.5ff', 'NaNf', 'Infinity', '', '1..2', '0x1']) t.not(refusal(double(0.5, about), text), '', text)
  t.is(parseValue('n', string('a', about, { oneOf: ['a', 'b'] }), 'b').value, 'b')
  t.regex(refusal(string('a', about, { oneOf: ['a', 'b'] }), 'B'), /one of a, b/)
  t.is(parseValue('n', string('a', about, { oneOf: ['a', 'b'], ignoreCase: true }), 'B').value, 'B')
})

test('lists are trimmed; empty items are refused, repeated ones count once', (t) => {
  const setting = list('delete', about, { oneOf: ['compact', 'delete'] })
  t.deepEqual(parseValue('n', setting, ' compact , delete'), { text: 'compact,delete', value: ['compact', 'delete'] })
  t.deepEqual(parseValue('n', setting, ''), { text: '', value: [] })
  t.is(parseValue('n', setting, 'compact, delete,compact').text, 'compact,delete')
  for (const text of ['compact,', 'compact,trim', ',']) t.regex(refusal(setting, text), /a list of compact, delete/, text)
})

test('null is a value only where there is no default', (t) => {
  t.deepEqual(parseValue('n', int(null, about), null), { text: null, value: null })
  t.not(refusal(int(1, about), null), '')
})

test('a long wrong value is cut, a password never shown', (t) => {
  t.true(refusal(int(1, about), 'x'.repeat(5000)).length < 400)
  t.false(refusal({ ...password(about), type: 'password', default: 'secret' }, null).includes('secret'))
})
