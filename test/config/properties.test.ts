import test from 'ava'
import { parseProperties } from '../../src/config/properties.js'
import { ConfigError } from '../../src/errors.js'

function read(text: string): Record<string, string> {
  return Object.fromEntries(parseProperties(text))
}

test('comments, blank lines and the three separators', (t) => {
  t.deepEqual(read('# one\n  ! two\n\n \t\na=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf==6\ng\n'), {
    a: '1',
    b: '2',
    c: '3',
    d: '4',
    e: '5',
    f: '=6',
    g: ''
  })
})

test('blanks after a value belong to it, blanks before a name do not', (t) => {
  t.deepEqual(read('   a = b c  \r\nd=e\r'), { a: 'b c  ', d: 'e' })
})

test('a line is continued after an odd number of backslashes', (t) => {
  t.deepEqual(read('a=1,\\\n    2,\\\n    3\nb=c\\\\\nd=e'), { a: '1,2,3', b: 'c\\', d: 'e' })
  t.deepEqual(read('a=1\\\n# not a comment\n'), { a: '1# not a comment' })
  t.deepEqual(read('a=1\\'), { a: '1' })
})

test('escapes in names and values', (t) => {
  t.deepEqual(read('a\\=b\\:c\\ d=\\t\\u0041\\u00e4\\n\\z'), { 'a=b:c d': '\tAä\nz' })
  t.throws(() => read('a=\\u00g0'), { instanceOf: ConfigError, message: /hexadecimal/ })
})

test('the last of two wins', (t) => {
  t.deepEqual(read('a=1\na=2'), { a: '2' })
})
