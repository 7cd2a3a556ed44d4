/** Regular expressions of subscriptions: the syntax of RE2, whole names, and a time that is bounded. */
import test from 'ava'
import { LinearRegex } from '../../src/regex/matcher.js'

function matches(pattern: string, name: string): boolean | string {
  const regex = LinearRegex.compile(pattern)
  return typeof regex === 'string' ? regex : regex.matches(name)
}

const YES: readonly [pattern: string, ...names: string[]][] = [
  ['', ''],
  ['a.c', 'abc', 'a-c'],
  ['foo.*', 'foo', 'foo-bar'],
  ['(foo|bar)-\\d+', 'foo-1', 'bar-42'],
  ['[a-c]+', 'abcabc'],
  ['[^a-c]*', 'xyz', ''],
  ['[]a]+', ']a'],
  ['[a-]', '-'],
  ['a{2,3}', 'aa', 'aaa'],
  ['a{2}b?', 'aa', 'aab'],
  ['a{2,}', 'aaaa'],
  ['a{,2}', 'a{,2}'],
  ['(?i)Topic', 'tOPIC'],
  ['(?i:a)B', 'AB', 'aB'],
  ['a(?i)b|c', 'aB', 'C'],
  ['(?P<name>x)(?<other>y)(?:z)', 'xyz'],
  ['^abc$', 'abc'],
  ['\\Aabc\\z', 'abc'],
  ['\\bab\\b-\\bc\\Bd', 'ab-cd'],
  ['\\Qa.b\\E+', 'a.b', 'a.bb'],
  ['\\w+\\.\\W\\S', 'a_1.-x'],
  ['\\pL+\\p{Nd}\\P{L}[\\p{Lu}_]', 'ab1-X', 'ab1__'],
  ['\\p{Greek}*\\p{^Greek}', 'a'],
  ['[[:alpha:]][[:^alpha:]]', 'a1'],
  ['\\x41\\x{42}\\103', 'ABC'],
  ['(a|b)*?c+?', 'ababc', 'c'],
  ['(|a)b', 'b', 'ab'],
  ['((a*)*)*', 'aaaa', ''],
  ['.*[^-]', 'a.b']
]

test('matches', (t) => {
  for (const [pattern, ...names] of YES) for (const name of names) t.is(matches(pattern, name), true, `${pattern} ${name}`)
})

test('does not match: other names, and parts of names', (t) => {
  const no: readonly [pattern: string, ...names: string[]][] = [
    ['foo', 'foobar', 'xfoo', ''],
    ['a.c', 'ac'],
    ['a{2,3}', 'a', 'aaaa'],
    ['(?i:a)b', 'aB'],
    ['a$b', 'ab'],
    ['a\\bb', 'ab'],
    ['[^a]', 'a', ''],
    ['\\d', 'x'],
    ['(?-i)x', 'X'],
    ['é', 'e']
  ]
  for (const [pattern, ...names] of no) for (const name of names) t.is(matches(pattern, name), false, `${pattern} ${name}`)
})

test('refuses what RE2 refuses', (t) => {
  const wrong = [
    '(',
    ')',
    '[',
    'a**',
    'a{2}{3}',
    '*a',
    '+',
    '?',
    'a{1001}',
    'a{3,2}',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '\\1',
    '\\Z',
    '\\',
    '[b-a]',
    '\\p{Nope}',
    '(?P<1>a)',
    '\\y',
    '[[:nope:]]'
  ]
  for (const pattern of wrong) t.is(typeof matches(pattern, ''), 'string', pattern)
  t.is(matches(`${'('.repeat(2000)}a${')'.repeat(2000)}`, ''), 'nesting too deep')
  t.is(matches('((a{1000}){1000}){1000}', ''), 'expression too large')
})

test('no expression takes long', (t) => {
  const name = `${'a'.repeat(248)}b`
  for (const pattern of ['(a*)*c', '(a|a)*c', '(a|aa)+$c', '(.*)(.*)(.*)(.*)(.*)(.*)x', '((a?){200}a{200})c', '(x+x+)+y']) {
    const regex = LinearRegex.compile(pattern)
    if (typeof regex === 'string') return t.fail(`${pattern}: ${regex}`)
    t.false(regex.matches(name))
    t.true(regex.steps < 400_000, `${pattern} took ${regex.steps} steps`)
  }
})

test('characters of all planes, as RE2 takes them', (t) => {
  const yes: readonly [pattern: string, ...texts: string[]][] = [
    ['.', 'é', '😀', 'a'],
    ['é+', 'éé'],
    ['[^a]', 'é', '😀'],
    ['[à-ü]+', 'éö'],
    ['\\x{1F600}', '😀'],
    ['[😀-😂x]', '😁', 'x'],
    ['\\W\\D\\S', 'éöü'],
    ['[[:^alpha:]]', 'é'],
    ['\\p{Greek}+', 'αβγ'],
    ['\\P{Greek}\\p{^Greek}', 'éa'],
    ['[\\p{Lu}\\P{L}]+', 'É1'],
    ['(?i)É', 'é'],
    ['(?i)k[r-t]', 'Kſ', 'KS'],
    ['(?i)[α-ω]', 'Ω'],
    ['\\p{Any}', '\u0000', '😀']
  ]
  for (const [pattern, ...texts] of yes) for (const text of texts) t.is(matches(pattern, text), true, `${pattern} ${text}`)
  const no: readonly [pattern: string, ...texts: string[]][] = [
    ['\\w', 'é'],
    ['[^é]', 'é'],
    ['[[:alpha:]]', 'é'],
    ['..', '😀'],
    ['\\p{^Any}', 'é'],
    ['\\P{L}', 'é']
  ]
  for (const [pattern, ...texts] of no) for (const text of texts) t.is(matches(pattern, text), false, `${pattern} ${text}`)
  t.is(typeof matches('\\p{Letter}', 'a'), 'string')
})

test('a long text is matched in slices, with the same outcome', async (t) => {
  const text = 'é'.repeat(5000)
  for (const [pattern, expected] of [
    ['(é?){300}é*', true],
    ['((é|.)*)*x', false]
  ] as const) {
    const regex = LinearRegex.compile(pattern)
    if (typeof regex === 'string') return t.fail(regex)
    let pauses = 0
    t.is(await regex.matchesInSlices(text, 1000, () => Promise.resolve(void pauses++)), expected, pattern)
    t.true(pauses > 10)
    t.is(regex.matches(text), expected)
  }
})
