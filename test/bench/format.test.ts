/** Numbers as people read them. */
import test from 'ava'
import fc from 'fast-check'
import { bytes, duration, listed, number, parameterLabel, parameterValue, plural, ratio, withUnit } from '../../bench/lib/format.js'

test('numbers have three digits that mean something', (t) => {
  const expected: [number, string][] = [
    [0, '0'],
    [0.2851, '0.285'],
    [9.996, '10.0'],
    [27.63, '27.6'],
    [148, '148'],
    [999.6, '1000'],
    [2638.4, '2638'],
    [12_345, '12,300'],
    [1_234_567, '1,230,000'],
    [-27.63, '-27.6'],
    [0.000_123_4, '0.000123']
  ]
  for (const [value, text] of expected) t.is(number(value), text)
})

test('no number loses more than half a percent, or gets an exponent', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), (value) => {
      const text = number(value)
      const read = Number(text.replaceAll(',', ''))
      return /^[\d,]+(\.\d+)?$/.test(text) && Math.abs(read / value - 1) <= 0.00501
    })
  )
  t.pass()
})

test('bytes, units and ratios', (t) => {
  t.deepEqual([bytes(0), bytes(512), bytes(65_536), bytes(1_000_000), bytes(2 ** 33)], ['0 B', '512 B', '64 KiB', '977 KiB', '8 GiB'])
  t.deepEqual(
    [withUnit(0.285, 'cpu'), withUnit(3.9, 'cpuPercent'), withUnit(21.4, 'time'), withUnit(2 ** 30, 'sendfileBytes')],
    ['0.285 CPU-s/GiB', '3.90 %', '21.4 µs', '1 GiB']
  )
  t.deepEqual([ratio(0.0491), ratio(0.524), ratio(1.8), ratio(14.66), ratio(1989)], ['0.05', '0.52', '1.80', '14.7', '1989'])
})

test('parameters read as words', (t) => {
  t.deepEqual([parameterLabel('fetchBytes'), parameterLabel('connections'), parameterLabel('bytes')], ['fetch size', 'connections', 'size'])
  t.deepEqual(
    [parameterValue('fetchBytes', 8_388_608), parameterValue('connections', 10_000), parameterValue('take', 'copy')],
    ['8 MiB', '10,000', 'copy']
  )
})

test('sentences', (t) => {
  t.deepEqual([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])], ['', 'a', 'a and b', 'a, b and c'])
  t.deepEqual([plural(1, 'case'), plural(12_000, 'case')], ['1 case', '12,000 cases'])
  t.deepEqual([duration(12.4), duration(95), duration(3725)], ['12 s', '1 min 35 s', '1 h 2 min'])
})
